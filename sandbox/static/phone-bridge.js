/* Runs inside every page that the phone shows. Addresses made by the page's own scripts are mapped like those in its
   markup; inside WeChat it is also the WeixinJSBridge, whose pay sheet is drawn here and judged by the sandbox. */
(function () {
  "use strict";
  var own = document.currentScript.dataset;

  function mapped(address) {
    var text = String(address);
    if (text.indexOf(own.portal + "/") === 0) { text = text.slice(own.portal.length); }
    return text.charAt(0) === "/" && text.indexOf("/phone/") !== 0 && text.indexOf("//") !== 0 ? own.base + text : text;
  }

  var realFetch = window.fetch;
  window.fetch = function (target, options) {
    return realFetch.call(window, typeof target === "string" || target instanceof URL ? mapped(target) : target, options);
  };
  var realOpen = XMLHttpRequest.prototype.open;
  XMLHttpRequest.prototype.open = function () {
    var given = Array.prototype.slice.call(arguments);
    given[1] = mapped(given[1]);
    return realOpen.apply(this, given);
  };
  if (own.wallet !== "wechat") { return; }

  var english = own.lang === "en";
  function say(chinese, inEnglish) { return english ? inEnglish : chinese; }
  function yuan(fen) { return (fen / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ","); }

  function ask(path, values) {
    return realFetch(path, {
      method: "POST", credentials: "same-origin",
      headers: { "Content-Type": "application/json" }, body: JSON.stringify(values)
    }).then(function (response) { return response.json(); });
  }

  function element(name, className, text) {
    var made = document.createElement(name);
    if (className) { made.className = className; }
    if (text) { made.textContent = text; }
    return made;
  }

  function row(list, term, value) {
    var line = element("div");
    line.append(element("dt", "", term), element("dd", "", value));
    list.append(line);
  }

  function sheetRoot() {
    var host = element("div");
    host.id = "weixin-pay-sheet";
    var root = host.attachShadow({ mode: "open" });
    var look = element("link");
    look.rel = "stylesheet";
    look.href = own.sheet;
    var cover = element("div", "cover");
    var box = element("section", "sheet");
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-modal", "true");
    box.setAttribute("aria-label", say("微信支付", "WeChat Pay"));
    box.tabIndex = -1;
    cover.append(box);
    root.append(look, cover);
    document.body.append(host);
    box.focus();
    return { box: box, close: function () { host.remove(); } };
  }

  function fill(box, sheet, state) {
    box.replaceChildren();
    box.append(element("p", "state " + state, {
      open: say("微信支付", "WeChat Pay"), paid: say("✓ 付款成功", "✓ Paid"), refused: say("没有付款", "Not paid"),
      wrong: say("付不了", "Cannot be paid")
    }[state]));
    if (sheet) {
      box.append(element("p", "shop", sheet.shop), element("p", "amount", "¥" + yuan(sheet.payer_total)));
      var list = element("dl");
      if (sheet.reduction) {
        row(list, say("订单金额", "Price"), "¥" + yuan(sheet.amount));
        row(list, sheet.reduction_name, "−¥" + yuan(sheet.reduction));
      }
      row(list, say("付款方式", "From"), sheet.card);
      row(list, say("收单机构", "Acquirer"), say("微信支付", "WeChat Pay"));
      row(list, say("商户单号", "Order"), sheet.number);
      if (sheet.problem) {
        var problem = element("p", "problem", sheet.problem);
        problem.setAttribute("role", "alert");
        box.append(problem);
      }
      box.append(list);
    }
  }

  function buttons(box, made) {
    var line = element("div", "buttons");
    made.forEach(function (button) {
      var node = element("button", button.main ? "main" : "", button.text);
      node.type = "button";
      node.addEventListener("click", function () { node.disabled = true; button.act(); });
      line.append(node);
    });
    box.append(line);
    line.lastChild.focus();
  }

  function show(sheet, answer) {
    var drawn = sheetRoot();
    function end(result) {
      return function () { drawn.close(); answer(result); };
    }
    function decide(outcome) {
      return function () {
        ask("/phone/api/sheet/" + encodeURIComponent(sheet.id), { outcome: outcome }).then(function (told) {
          if (told.error) { return wrong(drawn, told.error, answer); }
          if (told.sheet.state !== "paid") { return end("cancel")(); }
          fill(drawn.box, told.sheet, "paid");
          buttons(drawn.box, [{ text: say("完成", "Done"), main: true, act: end("ok") }]);
        }, function () { wrong(drawn, say("网络不通，请再试一次", "No network. Try again"), answer); });
      };
    }
    fill(drawn.box, sheet, "open");
    buttons(drawn.box, [
      { text: say("取消", "Cancel"), act: decide("refuse") },
      { text: say("确认付款", "Pay"), main: true, act: decide("pay") }
    ]);
  }

  function wrong(drawn, text, answer) {
    fill(drawn.box, null, "wrong");
    drawn.box.append(element("p", "why", text));
    buttons(drawn.box, [{ text: say("知道了", "OK"), main: true, act: function () { drawn.close(); answer("fail", text); } }]);
  }

  window.WeixinJSBridge = {
    invoke: function (name, params, callback) {
      function answer(result, text) {
        if (callback) { callback({ err_msg: "get_brand_wcpay_request:" + result, err_desc: text || "" }); }
      }
      if (name !== "getBrandWCPayRequest") {
        if (callback) { callback({ err_msg: name + ":fail_invalid appid" }); }
        return;
      }
      ask("/phone/api/bridge", { params: params }).then(function (told) {
        if (told.error) { wrong(sheetRoot(), told.error, answer); } else { show(told.sheet, answer); }
      }, function () { answer("fail", "network"); });
    },
    on: function () {}, call: function () {}
  };
  document.addEventListener("DOMContentLoaded", function () {
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  });
})();
