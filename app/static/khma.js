/* Khma works without this file. It does two things after a reader acts:
   it puts the keyboard where the news is, and it says "Sending" on the button that was pressed. */
(function () {
  "use strict";

  // The first thing worth hearing in what arrived: the list of errors, else the new heading.
  function news(root) {
    return root.querySelector("[data-errors]") || root.querySelector("h1, [data-arrived]");
  }

  function focus(element) {
    if (!element) return;
    if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
    element.focus();
  }

  // A page that comes back with errors begins at their list.
  focus(document.querySelector("[data-errors]"));

  document.addEventListener("htmx:after:swap", function (event) {
    var target = event.detail.ctx.target;
    // A target that was itself replaced is found again by its name.
    var arrived = target.isConnected ? target : document.getElementById(target.id);
    if (arrived) focus(news(arrived));
  });

  document.addEventListener("submit", function (event) {
    var form = event.target;
    var button = event.submitter;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    if (!button || !button.dataset.busy) return;
    form.setAttribute("aria-busy", "true");
    button.dataset.words = button.innerHTML;
    button.textContent = button.dataset.busy;
  });

  // Back from the next page, or answered in place: the button says again what it does.
  function release() {
    document.querySelectorAll("[data-words]").forEach(function (button) {
      button.innerHTML = button.dataset.words;
      delete button.dataset.words;
      button.form.removeAttribute("aria-busy");
    });
  }
  window.addEventListener("pageshow", release);
  document.addEventListener("htmx:finally:request", release);
})();
