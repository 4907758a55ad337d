// Figures are drawn when they come near the window, so that large studies open quickly.
(function () {
  "use strict";
  var root = document.documentElement;
  var templates = JSON.parse(document.getElementById("templates").textContent);
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot"));
  var drawn = new Map();
  var touch = window.matchMedia("(hover: none)").matches;

  // A figure that bends has a second arrangement, for pages under its least width.
  function arrangement(plot, width) {
    var figure = drawn.get(plot);
    return figure.narrow && width < Number(plot.dataset.least) ? figure.narrow : figure;
  }

  // On a phone a legend has a row per entry, which must not come off the height of the plot.
  function legendRows(figure, width) {
    if (width >= 520 || figure.layout.showlegend === false) { return 0; }
    var named = figure.data.filter(function (trace) { return trace.name && trace.showlegend !== false; });
    return Math.max(0, named.length - 2);
  }

  function draw(plot, theme, paper) {
    if (typeof Plotly === "undefined") {
      plot.textContent = "plotly.min.js is missing beside this page; redraw it with: hpo report --from study.json";
      return;
    }
    if (!drawn.has(plot)) {
      drawn.set(plot, JSON.parse(document.getElementById(plot.dataset.figure).textContent));
    }
    var width = paper || plot.clientWidth;
    if (!width) { return; }
    var figure = arrangement(plot, width);
    var height = (figure.layout.height || 420) + legendRows(figure, width) * 19;
    plot.style.minHeight = height + "px";
    plot.dataset.width = width;
    var layout = Object.assign({}, figure.layout, {
      template: templates[theme || root.dataset.theme], width: width, height: height, autosize: false
    });
    Plotly.react(plot, figure.data, layout, {
      displaylogo: false, displayModeBar: touch ? false : "hover",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { filename: plot.dataset.name, scale: 2 }
    });
  }

  function hidden(plot) { return plot.closest(".panel").hidden; }

  document.querySelectorAll(".panel[data-later]").forEach(function (panel) { panel.hidden = true; });

  var near = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting && !drawn.has(entry.target)) { draw(entry.target); }
    });
  }, { rootMargin: "500px 0px" });
  plots.forEach(function (plot) { near.observe(plot); });

  // The place of a figure decides its width, not the window: no figure is wider than its card.
  var resized = new ResizeObserver(function (entries) {
    entries.forEach(function (entry) {
      var plot = entry.target;
      var changed = Math.abs(plot.clientWidth - Number(plot.dataset.width)) > 1;
      if (drawn.has(plot) && changed && !root.classList.contains("printing")) { draw(plot); }
    });
  });
  plots.forEach(function (plot) { resized.observe(plot); });

  function redraw(theme) {
    plots.forEach(function (plot) {
      if (drawn.has(plot) && !hidden(plot)) { draw(plot, theme); }
    });
  }

  document.getElementById("theme").addEventListener("click", function () {
    var theme = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = theme;
    try { window.localStorage.setItem("hpo-theme", theme); } catch (error) { /* file:// may refuse */ }
    redraw();
  });

  // Paper is white, shows every tab, and is about 680 pixels wide.
  window.addEventListener("beforeprint", function () {
    root.classList.add("printing");
    plots.forEach(function (plot) { draw(plot, "light", 680); });
  });
  window.addEventListener("afterprint", function () {
    root.classList.remove("printing");
    redraw();
  });

  document.querySelectorAll("[role=tablist]").forEach(function (list) {
    var tabs = Array.prototype.slice.call(list.querySelectorAll("[role=tab]"));
    function select(chosen) {
      tabs.forEach(function (tab) {
        var on = tab === chosen;
        tab.setAttribute("aria-selected", on ? "true" : "false");
        tab.tabIndex = on ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
      });
      draw(document.getElementById(chosen.getAttribute("aria-controls")).querySelector(".plot"));
    }
    tabs.forEach(function (tab, place) {
      tab.addEventListener("click", function () { select(tab); });
      tab.addEventListener("keydown", function (event) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) { return; }
        event.preventDefault();
        var next = tabs[(place + step + tabs.length) % tabs.length];
        select(next);
        next.focus();
      });
    });
  });

  var table = document.getElementById("trial-table");
  var body = table.tBodies[0];
  var box = table.parentElement;
  var TALL = 640;

  // The box ends between two rows; a table that is little taller than the box is shown whole.
  function fit() {
    box.style.maxHeight = "none";
    if (table.offsetHeight <= TALL * 1.25) { return; }
    var top = table.getBoundingClientRect().top, end = TALL;
    Array.prototype.forEach.call(body.rows, function (row) {
      var bottom = row.getBoundingClientRect().bottom - top;
      if (!row.hidden && bottom <= TALL) { end = bottom; }
    });
    box.style.maxHeight = end + "px";
  }
  new ResizeObserver(fit).observe(table);

  var byArchitecture = document.getElementById("by-architecture");
  var byState = document.getElementById("by-state");

  function filter() {
    var count = 0;
    Array.prototype.forEach.call(body.rows, function (row) {
      var show = (!byArchitecture.value || row.dataset.a === byArchitecture.value) &&
        (!byState.value || row.dataset.s === byState.value);
      row.hidden = !show;
      count += show ? 1 : 0;
    });
    document.getElementById("shown").textContent = count + (count === 1 ? " trial" : " trials");
  }
  byArchitecture.addEventListener("change", filter);
  byState.addEventListener("change", filter);

  function key(row, column) {
    var cell = row.cells[column];
    if (!("v" in cell.dataset)) { return cell.textContent.trim() === "–" ? null : cell.textContent; }
    return Number(cell.dataset.v);
  }
  table.querySelectorAll("thead button").forEach(function (button, column) {
    button.addEventListener("click", function () {
      var head = button.parentElement;
      var numeric = head.classList.contains("n");
      var was = head.getAttribute("aria-sort");
      var down = was ? was === "ascending" : numeric;
      table.querySelectorAll("th").forEach(function (th) { th.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      var rows = Array.prototype.slice.call(body.rows);
      rows.sort(function (a, b) {
        var x = key(a, column), y = key(b, column);
        if (x === null || y === null) { return (x === null) - (y === null); }
        var order = typeof x === "number" ? x - y : x.localeCompare(y);
        return down ? -order : order;
      });
      rows.forEach(function (row) { body.appendChild(row); });
      fit();
    });
  });
})();
