/* Keeps the desk page fresh: the steps follow what the phone does, its bar shows the page's title. */
(function () {
  "use strict";
  var told = document.getElementById("told");
  var screen = document.getElementById("screen");
  var last = "";

  function refresh() {
    if (document.hidden) { return; }
    fetch(told.dataset.source, { credentials: "same-origin" }).then(function (response) {
      return response.ok ? response.text() : "";
    }).then(function (text) {
      if (text && text !== last && !told.contains(document.activeElement)) {
        if (last) { told.innerHTML = text; }
        last = text;
      }
    }, function () {});
  }

  screen.addEventListener("load", function () {
    var title = screen.contentDocument ? screen.contentDocument.title : "";
    if (title) { document.getElementById("app").textContent = title; }
    refresh();
  });
  setInterval(refresh, 1000);
})();
