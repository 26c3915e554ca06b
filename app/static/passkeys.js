/* Khma works without this file. It shows the buttons that need it, where the browser knows passkeys; whoever presses
   one is asked by their device. The answer, or why there is none, goes to the house as an ordinary form. */
(function () {
  "use strict";

  // A passkey is bound to a name, so none can be made at an address of numbers.
  var named = !/^[\d.]+$|:/.test(window.location.hostname);
  if (!named || !window.isSecureContext || !window.PublicKeyCredential || !navigator.credentials) return;

  function all(selector, act) {
    document.querySelectorAll(selector).forEach(act);
  }
  all("[data-passkey-only]", function (each) { each.hidden = false; });
  all("[data-passkey-none]", function (each) { each.hidden = true; });

  function bytes(text) {
    var plain = window.atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (sign) { return sign.charCodeAt(0); });
  }

  function text(buffer) {
    var plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return window.btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(list) {
    (list || []).forEach(function (each) { each.id = bytes(each.id); });
  }

  function make(options) {
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    withBytes(options.excludeCredentials);
    return navigator.credentials.create({ publicKey: options });
  }

  function show(options) {
    options.challenge = bytes(options.challenge);
    withBytes(options.allowCredentials);
    return navigator.credentials.get({ publicKey: options });
  }

  function ask(address, form) {
    var body = new URLSearchParams({ _token: form.elements._token.value });
    return fetch(address, { method: "POST", body: body }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
  }

  function written(credential) {
    var response = {};
    ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    });
    var facts = { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: response };
    return JSON.stringify(facts);
  }

  function why(error) {
    if (error.name === "NotAllowedError" || error.name === "AbortError") return "cancelled";
    return error.name === "InvalidStateError" ? "there" : "failed";
  }

  all("[data-passkey-ask], [data-passkey-make]", function (button) {
    button.addEventListener("click", function () {
      var form = button.form;
      var facts = button.dataset;
      button.disabled = true;
      (facts.passkeyMake ? make(JSON.parse(facts.passkeyMake)) : ask(facts.passkeyAsk, form).then(show))
        .then(written, why)
        .then(function (answer) {
          form.elements._passkey.value = answer;
          form.submit();
        });
    });
  });

  // Back from the next page, out of the browser's memory: the button can be pressed again.
  window.addEventListener("pageshow", function () {
    all("[data-passkey-ask], [data-passkey-make]", function (button) { button.disabled = false; });
  });
})();
