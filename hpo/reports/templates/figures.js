// Figures are drawn when they come near the window, so that large studies open quickly.
window.hpoPage = (function () {
  "use strict";
  var root = document.documentElement;
  var shared = null;
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot"));
  var drawn = new Map();
  var touch = window.matchMedia("(hover: none)").matches;
  // What the filters leave, by kind, as figures spell it; a kind that is missing is not filtered.
  var shown = {};

  // What figures have in common, most of the page of a large study: read with the first of them.
  function common() {
    if (!shared) { shared = JSON.parse(document.getElementById("shared").textContent); }
    return shared;
  }

  function safe(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  // Puts back, in what was read of a figure, what several figures have in common.
  function whole(value) {
    if (value === null || typeof value !== "object") { return value; }
    if ("$list" in value) { return whole(common().lists[value.$list]); }
    if ("$texts" in value) { return whole(value.$texts).map(function (k) { return common().texts[k]; }); }
    if (Array.isArray(value)) { return value; }
    Object.keys(value).forEach(function (key) { value[key] = whole(value[key]); });
    return value;
  }

  function read(plot) {
    var figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    [figure, figure.narrow].forEach(function (one) { if (one) { one.data = one.data.map(whole); } });
    return figure;
  }

  function leaves(kind, name) { return !shown[kind] || shown[kind].has(name); }

  // A trace says in its meta what it shows: one name for all of it, or one for each point.
  function filtered(trace) {
    var meta = trace.meta, points = null, kept = true;
    if (!meta || typeof meta !== "object") { return trace; }
    Object.keys(shown).forEach(function (kind) {
      var about = meta[kind];
      if (Array.isArray(about)) {
        points = about.map(function (name, k) { return (!points || points[k]) && leaves(kind, name); });
      } else if (about) { kept = kept && leaves(kind, about); }
    });
    if (!kept) { return Object.assign({}, trace, { visible: false }); }
    if (!points || points.indexOf(false) < 0) { return trace; }
    return Object.assign({}, trace, { y: trace.y.map(function (value, k) { return points[k] ? value : null; }) });
  }

  // Words and lines that belong to an architecture have its name.
  function named(items) {
    return (items || []).filter(function (item) { return !item.name || leaves("architecture", item.name); });
  }

  // A figure that bends has a second arrangement, for pages under its least width.
  function arrangement(plot, width) {
    var figure = drawn.get(plot);
    return figure.narrow && width < Number(plot.dataset.least) ? figure.narrow : figure;
  }

  // On a phone a legend has a row per entry, which must not come off the height of the plot.
  function legendRows(traces, figure, width) {
    if (width >= 520 || figure.layout.showlegend === false) { return 0; }
    var listed = traces.filter(function (trace) {
      return trace.name && trace.showlegend !== false && trace.visible !== false;
    });
    return Math.max(0, listed.length - 2) + listed.filter(function (trace) { return trace.name.indexOf("<br>") > 0; }).length;
  }

  // Lines of at most so many letters, broken after what parts the words of names; markup is kept.
  function folded(text, most) {
    var line = 0;
    return text.split(/(<[^>]*>)/).map(function (part) {
      if (part.charAt(0) === "<") { if (/^<br/.test(part)) { line = 0; } return part; }
      return (part.match(/\[[^\]]*\]|[^_\- ]*[_\- ]?/g) || []).map(function (word) {
        var letters = word.replace(/&\w+;/g, "x").length, begin = line && line + letters > most ? "<br>" : "";
        line = begin ? letters : line + letters;
        return begin + word;
      }).join("");
    }).join("");
  }

  function longest(texts) {
    return Math.max.apply(null, [4].concat(texts.map(function (text) {
      return Math.max.apply(null, text.replace(/<br>/g, "\n").replace(/<[^>]*>/g, "").split("\n").map(function (l) { return l.length; }));
    })));
  }

  // Pixels of a line of ticks, and over and under the rows of a plot.
  var LINE = 17, AROUND = 100;

  // On a phone the names of rows would leave the plot no room, and titles and legends end at the edge.
  function fitted(traces, layout, width) {
    if (width >= 520) { return { traces: traces, layout: layout, more: 0 }; }
    var rows = layout.yaxis || {}, names = [], texts = [];
    if (rows.showticklabels !== false) {
      traces.forEach(function (trace) {
        (Array.isArray(trace.y) ? trace.y : []).forEach(function (name) {
          if (typeof name === "string" && names.indexOf(name) < 0) { names.push(name); }
        });
      });
      texts = (rows.ticktext || names).map(function (name) { return folded(String(name), 16); });
    }
    var changed = {}, more = 0;
    if (texts.length) {
      // A row with a name of several lines must not reach the next one's.
      var lines = Math.max.apply(null, texts.map(function (text) { return text.split("<br>").length; }));
      var each = ((layout.height || 420) - AROUND) / texts.length;
      more = Math.round(Math.max(0, lines * LINE + 4 - each) * texts.length);
      changed.yaxis = Object.assign({}, rows, { tickvals: rows.ticktext ? rows.tickvals : names, ticktext: texts });
    }
    var title = layout.xaxis && layout.xaxis.title && layout.xaxis.title.text;
    if (title && !layout.xaxis2) {
      var room = Math.floor((width - 50 - 7.5 * longest(texts)) / 8.5);
      changed.xaxis = Object.assign({}, layout.xaxis, {
        title: Object.assign({}, layout.xaxis.title, { text: folded(title, room) })
      });
    }
    return {
      traces: traces.map(function (trace) {
        var name = trace.name && folded(trace.name, Math.floor((width - 60) / 7));
        return name === trace.name ? trace : Object.assign({}, trace, { name: name });
      }),
      layout: Object.assign({}, layout, changed),
      more: more
    };
  }

  // The picture is its first layer, which is what has its name and its words: what may be pressed
  // in it would be no button inside of one. Its menu is one stop of the Tab key, arrows go on in it.
  function reach(plot) {
    var layers = plot.querySelectorAll(".main-svg"), menu = plot.querySelector(".modebar");
    layers.forEach(function (layer, k) {
      if (k) { layer.setAttribute("aria-hidden", "true"); return; }
      ["role", "aria-label", "aria-describedby"].forEach(function (name) {
        if (plot.hasAttribute(name)) { layer.setAttribute(name, plot.getAttribute(name)); }
        plot.removeAttribute(name);
      });
    });
    if (!menu || !layers.length) { return; }
    menu.setAttribute("aria-label", "Menu of the picture " + layers[0].getAttribute("aria-label"));
    var buttons = Array.prototype.slice.call(menu.querySelectorAll(".modebar-btn"));
    var on = buttons.indexOf(document.activeElement);
    buttons.forEach(function (button, k) { button.tabIndex = k === Math.max(0, on) ? 0 : -1; });
  }

  // On paper two figures stand on most pages: LOW pixels for one plot, and what is higher or wider than
  // its place is drawn smaller, down to letters of six and a half points.
  var LOW = 300, HALF = 520, SMALLEST = 0.66;

  // A legend is for the mouse alone: its entries stand beside the picture as boxes to tick, too.
  function entriesOf(traces) {
    var found = new Map();
    traces.forEach(function (trace, k) {
      if (!trace.name || trace.showlegend === false || trace.visible === false) { return; }
      var group = trace.legendgroup, key = group || trace.name;
      if (found.has(key)) { found.get(key).places.push(k); return; }
      found.set(key, { name: trace.name, places: group ? [] : [k] });
      if (group) {
        traces.forEach(function (other, j) { if (other.legendgroup === group && other.visible !== false) { found.get(key).places.push(j); } });
      }
    });
    return Array.from(found.values());
  }

  function offer(plot, traces, layout) {
    var details = plot.closest(".panel").querySelector(".entries"), box = details.querySelector("div");
    var entries = layout.showlegend === false ? [] : entriesOf(traces);
    details.hidden = entries.length < 2;
    box.textContent = "";
    entries.forEach(function (entry) {
      var label = document.createElement("label"), tick = document.createElement("input");
      tick.type = "checkbox";
      tick.checked = true;
      tick.autocomplete = "off";
      tick.addEventListener("change", function () {
        Plotly.restyle(plot, { visible: tick.checked ? true : "legendonly" }, Array.from(new Set(entry.places)));
      });
      var text = document.createElement("span");
      text.innerHTML = entry.name.replace(/<[^>]*>/g, " ").replace(/</g, "&lt;");
      label.append(tick, " ", text);
      box.append(label);
      entry.tick = tick;
    });
    plot.removeAllListeners("plotly_restyle");
    plot.on("plotly_restyle", function () {
      entries.forEach(function (entry) { entry.tick.checked = plot.data[entry.places[0]].visible !== "legendonly"; });
    });
  }

  function draw(plot, theme, paper) {
    if (typeof Plotly === "undefined") {
      plot.textContent = "plotly.min.js is missing beside this page; redraw it with: hpo report --from study.json";
      return;
    }
    if (!drawn.has(plot)) { drawn.set(plot, read(plot)); }
    plot.style.zoom = "";
    var width = paper ? paper / SMALLEST : plot.clientWidth;
    if (!width) { return; }
    var figure = arrangement(plot, width);
    var fit = fitted(figure.data.map(filtered), figure.layout, width), traces = fit.traces;
    var height = (figure.layout.height || 420) + legendRows(traces, figure, width) * 19 + fit.more;
    if (paper) {
      // Panels and rows with names have the heights of their words; another plot may be lower.
      var words = figure.layout.xaxis2 || (figure.layout.yaxis || {}).ticktext;
      if (height <= HALF && !words) { height = Math.min(height, LOW); }
      var least = figure === drawn.get(plot) ? Number(plot.dataset.least) || paper : paper;
      var zoom = Math.max(SMALLEST, Math.min(1, paper / least, HALF / height));
      plot.style.zoom = zoom;
      width = paper / zoom;
    }
    plot.style.minHeight = height + "px";
    plot.dataset.width = width;
    var layout = Object.assign({}, fit.layout, {
      template: common().templates[theme || root.dataset.theme], width: width, height: height, autosize: false,
      annotations: named(figure.layout.annotations), shapes: named(figure.layout.shapes)
    });
    Plotly.react(plot, traces, layout, {
      // The page sends nothing anywhere; by default Plotly offers to upload a figure to its cloud.
      showSendToCloud: false, plotlyServerURL: "",
      displaylogo: false, displayModeBar: touch ? false : "hover",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { filename: plot.dataset.name, scale: 2 }
    });
    reach(plot);
    offer(plot, traces, layout);
    if (!performance.getEntriesByName("hpo-drawn").length) { performance.mark("hpo-drawn"); }
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

  function setTheme(theme, keep) {
    root.dataset.theme = theme;
    if (keep) {
      try { window.localStorage.setItem("hpo-theme", theme); } catch (error) { /* file:// may refuse */ }
    }
    redraw();
  }

  document.getElementById("theme").addEventListener("click", function () {
    setTheme(root.dataset.theme === "dark" ? "light" : "dark", true);
  });
  // The system's choice is followed until the reader makes one.
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function (event) {
    var chosen = null;
    try { chosen = window.localStorage.getItem("hpo-theme"); } catch (error) { /* file:// may refuse */ }
    if (!chosen) { setTheme(event.matches ? "dark" : "light", false); }
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

  // Where an arrow, Home or End leads to in a row of so many; undefined for another key.
  function turned(key, place, count) {
    var last = count - 1;
    return {
      ArrowRight: place === last ? 0 : place + 1, ArrowLeft: place ? place - 1 : last, Home: 0, End: last
    }[key];
  }

  document.addEventListener("keydown", function (event) {
    var menu = event.target.closest && event.target.closest(".modebar");
    var buttons = menu ? Array.prototype.slice.call(menu.querySelectorAll(".modebar-btn")) : [];
    var place = buttons.indexOf(event.target), next = turned(event.key, place, buttons.length);
    if (place < 0 || next === undefined) { return; }
    event.preventDefault();
    buttons[place].tabIndex = -1;
    buttons[next].tabIndex = 0;
    buttons[next].focus();
  });

  function tabsOf(list) { return Array.prototype.slice.call(list.querySelectorAll("[role=tab]:not([hidden])")); }

  function select(list, chosen) {
    list.querySelectorAll("[role=tab]").forEach(function (tab) {
      var on = tab === chosen;
      tab.setAttribute("aria-selected", on ? "true" : "false");
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    });
    if (chosen) { draw(document.getElementById(chosen.getAttribute("aria-controls")).querySelector(".plot")); }
  }

  document.querySelectorAll("[role=tablist]").forEach(function (list) {
    list.addEventListener("click", function (event) {
      var tab = event.target.closest("[role=tab]");
      if (tab) { select(list, tab); }
    });
    list.addEventListener("keydown", function (event) {
      var tabs = tabsOf(list), place = tabs.indexOf(event.target), next = turned(event.key, place, tabs.length);
      if (place < 0 || next === undefined) { return; }
      event.preventDefault();
      select(list, tabs[next]);
      tabs[next].focus();
    });
  });

  // A section whose figures show one architecture each keeps those that are left.
  function filterPanels(section) {
    var panels = Array.prototype.slice.call(section.querySelectorAll(".panel"));
    panels.forEach(function (panel) {
      var own = panel.dataset.architecture;
      var out = Boolean(own) && !leaves("architecture", safe(own));
      panel.classList.toggle("filtered", out);
      var tab = document.getElementById(panel.id + "-tab");
      if (tab) { tab.hidden = out; } else { panel.hidden = out; }
    });
    var list = section.querySelector("[role=tablist]");
    if (list) {
      var left = tabsOf(list), on = list.querySelector("[aria-selected=true]");
      if (!on || on.hidden) { select(list, left[0] || null); }
    }
    var none = panels.length > 0 && panels.every(function (panel) { return panel.classList.contains("filtered"); });
    section.querySelector(".nothing").hidden = !none;
  }

  return {
    // Shows what is left: for each kind a set of names, or nothing where all are left.
    filter: function (left) {
      shown = {};
      Object.keys(left).forEach(function (kind) { shown[kind] = new Set(Array.from(left[kind], safe)); });
      document.querySelectorAll("section.drawn").forEach(filterPanels);
      redraw();
    }
  };
})();
