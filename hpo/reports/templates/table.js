// The table of trials: sorted by any column, in a box that ends between two rows.
window.hpoTable = (function () {
  "use strict";
  var table = document.getElementById("trial-table");
  var body = table.tBodies[0];
  var box = table.parentElement;
  var TALL = 640;
  var told = { sort: sort, sorted: function () {} };

  // A table that is little taller than the box is shown whole.
  function fit() {
    box.style.maxHeight = "none";
    if (table.offsetHeight <= TALL * 1.25) { return; }
    // Measured with its bars, which take of the width of the rows and of the height of the box.
    box.style.maxHeight = TALL + "px";
    var top = table.getBoundingClientRect().top, end = TALL;
    for (var k = 0; k < body.rows.length; k += 1) {
      var row = body.rows[k];
      if (row.hidden) { continue; }
      var bottom = row.getBoundingClientRect().bottom - top;
      if (bottom > TALL) { break; }
      end = bottom;
    }
    box.style.maxHeight = end + box.offsetHeight - box.clientHeight + "px";
  }
  new ResizeObserver(fit).observe(table);

  function key(row, column) {
    var cell = row.cells[column];
    if (!("v" in cell.dataset)) { return cell.textContent.trim() === "–" ? null : cell.textContent; }
    return Number(cell.dataset.v);
  }

  var buttons = Array.prototype.slice.call(table.querySelectorAll("thead button"));

  function sort(heading, down) {
    var column = buttons.findIndex(function (button) { return button.textContent === heading; });
    if (column < 0) { return; }
    table.querySelectorAll("th").forEach(function (th) { th.removeAttribute("aria-sort"); });
    buttons[column].parentElement.setAttribute("aria-sort", down ? "descending" : "ascending");
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
      var x = key(a, column), y = key(b, column);
      if (x === null || y === null) { return (x === null) - (y === null); }
      var order = typeof x === "number" ? x - y : x.localeCompare(y);
      return down ? -order : order;
    });
    rows.forEach(function (row) { body.appendChild(row); });
    fit();
    // Who has the heading's button under the finger hears nothing of aria-sort.
    document.getElementById("sorted").textContent =
      "Sorted by " + heading + ", " + (down ? "descending" : "ascending");
  }

  buttons.forEach(function (button) {
    button.addEventListener("click", function () {
      var head = button.parentElement;
      var was = head.getAttribute("aria-sort");
      var down = was ? was === "ascending" : head.classList.contains("n");
      sort(button.textContent, down);
      told.sorted(button.textContent, down);
    });
  });

  // Links to runs begin with the address of MLflow's page, which the reader may change.
  var address = document.getElementById("address");
  if (address) {
    var kept = null;
    try { kept = window.localStorage.getItem("hpo-mlflow"); } catch (error) { /* file:// may refuse */ }
    if (kept) { address.value = kept; }
    var point = function () {
      var base = address.value.trim().replace(/\/+$/, "");
      if (!/^https?:\/\//.test(base)) { return; }
      document.querySelectorAll("a[data-run]").forEach(function (link) {
        link.href = base + link.dataset.run;
      });
    };
    address.addEventListener("change", function () {
      try { window.localStorage.setItem("hpo-mlflow", address.value); } catch (error) { /* likewise */ }
      point();
    });
    if (kept) { point(); }
  }

  return told;
})();
