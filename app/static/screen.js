/* The second screen of a counter works without this file: its pages go on by themselves, after a longer time. With it a
   code that came behind the # goes into its field, and whoever left without a word is noticed sooner. */
(function () {
  "use strict";

  var said = window.location.hash.slice(1);
  var code = document.getElementById("f-screen_code");
  if (code && /^[0-9A-Za-z-]{8,9}$/.test(said)) {
    code.value = said;
    window.history.replaceState(null, "", window.location.pathname);
  }

  var box = document.querySelector("[data-idle]");
  var leave = document.getElementById("leave");
  if (!box || !leave) return;
  var quiet = Number(box.dataset.idle) * 1000;
  var since = Date.now();
  var before = null;

  // Anything that somebody does says that they are there.
  function there() {
    since = Date.now();
    if (box.hidden) return;
    box.hidden = true;
    if (before) before.focus();
  }
  ["keydown", "pointerdown", "pointermove", "input", "scroll"].forEach(function (kind) {
    window.addEventListener(kind, there, { capture: true, passive: true });
  });

  // First the question, then as long again for an answer.
  window.setInterval(function () {
    var still = Date.now() - since;
    if (still >= 2 * quiet) {
      since = Infinity;
      leave.submit();
    } else if (still >= quiet && box.hidden) {
      before = document.activeElement;
      box.hidden = false;
      box.querySelector("button").focus();
    }
  }, 1000);
})();
