/* The ballot works without this file: one select for each choice. With it the same selects are filled by buttons:
   choices move between two lists in the page. Nothing is sent, kept or counted anywhere before the cast.
   A code or a receipt that came behind the # goes into its field, and out of the address. */
(function () {
  "use strict";

  var said = window.location.hash.slice(1);
  var code = document.getElementById("f-code");
  var receipt = document.getElementById("f-receipt");
  var leave = document.querySelector("form[action$='/done']");
  if (/^[0-9a-f]{64}$/.test(said)) {
    if (receipt) receipt.value = said;
    window.history.replaceState(null, "", window.location.pathname + "#check");
  } else if (/^[0-9A-Za-z-]{20,30}$/.test(said)) {
    window.history.replaceState(null, "", window.location.pathname);
    if (code) {
      code.value = said;
      var folded = code.closest("details");
      if (folded) folded.open = true;
    }
    else if (leave) {
      // A slip was read where somebody else's pass still holds: the pass goes, and the code comes along behind the #.
      leave.action += "#" + said;
      leave.submit();
    }
  }

  var rest = document.querySelector("[data-ballot]");
  if (!rest || rest.querySelector("[data-error]")) return; // a wrong number is mended in the select it was chosen in
  var words = rest.dataset;
  var most = Number(words.most);
  var news = document.querySelector("[data-ballot-news]");
  var order = document.createElement("ol");
  order.className = "ballot";
  order.setAttribute("data-order", "");
  order.setAttribute("data-moves", "");
  rest.setAttribute("data-moves", "");

  function heading(text) {
    var head = document.createElement("h3");
    head.className = "ballot-head";
    head.textContent = text;
    return head;
  }
  rest.before(heading(words.wordsOrder), order, heading(words.wordsRest));

  function say(text, name, place) {
    var told = text.replace("{place}", place).replace("{count}", order.children.length);
    news.textContent = told.replace("{name}", function () { return name; });
  }

  // One choice: its row, its select, its name, and the four buttons that take the select's place.
  var rows = Array.prototype.map.call(rest.children, function (row) {
    var select = row.querySelector("select");
    var choice = { row: row, select: select, name: row.querySelector("label").textContent, buttons: {} };
    select.hidden = true;
    row.querySelector("label").removeAttribute("for");
    ["add", "up", "down", "out"].forEach(function (act) {
      var button = document.createElement("button");
      var label = words["words" + act[0].toUpperCase() + act.slice(1)];
      button.type = "button";
      button.className = "move";
      button.dataset.act = act;
      button.setAttribute("aria-label", label.replace("{name}", function () { return choice.name; }));
      button.addEventListener("click", function () { move(choice, act); });
      choice.buttons[act] = button;
      row.append(button);
    });
    return choice;
  });

  function choiceOf(row) {
    return rows.filter(function (each) { return each.row === row; })[0];
  }

  // Writes the places into the selects, which are what is sent.
  function settle() {
    rows.forEach(function (each) { each.select.value = "00"; });
    Array.prototype.forEach.call(order.children, function (row, at) {
      var choice = choiceOf(row);
      choice.select.value = (at + 1 < 10 ? "0" : "") + (at + 1);
      choice.buttons.up.setAttribute("aria-disabled", String(at === 0));
      choice.buttons.down.setAttribute("aria-disabled", String(at === order.children.length - 1));
    });
    rows.forEach(function (each) {
      each.buttons.add.setAttribute("aria-disabled", String(order.children.length >= most));
    });
  }

  function move(choice, act) {
    var row = choice.row;
    var next = row.nextElementSibling;
    var beside = next || row.previousElementSibling;
    if (act === "add" && order.children.length >= most) return say(words.wordsFull, "", "");
    if (act === "add") {
      order.append(row);
      // The next one to add has the keyboard; where none is left, the one that was added.
      (beside ? choiceOf(beside).buttons.add : choice.buttons.up).focus();
    } else if (act === "out") {
      rest.append(row);
      (beside ? choiceOf(beside).buttons.out : choice.buttons.add).focus();
      settle();
      return say(words.wordsTaken, choice.name, "");
    } else if (act === "up" && row.previousElementSibling) {
      row.previousElementSibling.before(row);
      choice.buttons.up.focus();
    } else if (act === "down" && next) {
      next.after(row);
      choice.buttons.down.focus();
    }
    settle();
    say(words.wordsPlaced, choice.name, Array.prototype.indexOf.call(order.children, row) + 1);
  }

  // What came back with an error, or from the browser's memory, keeps its order.
  rows.filter(function (each) { return each.select.value !== "00"; })
    .sort(function (a, b) { return a.select.value < b.select.value ? -1 : 1; })
    .forEach(function (each) { order.append(each.row); });
  settle();
})();
