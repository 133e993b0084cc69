/* New messages appear by themselves; what is being typed stays. */
(function () {
  "use strict";
  var list = document.getElementById("messages");
  setInterval(function () {
    if (document.hidden) { return; }
    fetch(location.href, { credentials: "same-origin" }).then(function (response) { return response.text(); }).then(function (text) {
      var fresh = new DOMParser().parseFromString(text, "text/html").getElementById("messages");
      if (fresh && fresh.innerHTML !== list.innerHTML) { list.innerHTML = fresh.innerHTML; }
    }, function () {});
  }, 2000);
})();
