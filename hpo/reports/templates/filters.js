// Filters by architecture and state. They and the order of the trials are kept in the address, after
// the section: #trials&architecture=cnn,xception&state=complete&sort=loss,ascending
(function () {
  "use strict";
  var form = document.getElementById("filters");
  var boxes = Array.prototype.slice.call(form.querySelectorAll("input"));
  var kinds = ["architecture", "state"];
  var links = Array.prototype.slice.call(document.querySelectorAll("a[data-section]"));
  var order = "";

  function of(kind) { return boxes.filter(function (box) { return box.name === kind; }); }

  // For each kind the names that are ticked; a kind of which all are is left out.
  function left() {
    var found = {};
    kinds.forEach(function (kind) {
      var ticked = of(kind).filter(function (box) { return box.checked; });
      if (ticked.length < of(kind).length) { found[kind] = ticked.map(function (box) { return box.value; }); }
    });
    return found;
  }

  function suffix(found) {
    var parts = kinds.filter(function (kind) { return found[kind]; }).map(function (kind) {
      return kind + "=" + found[kind].map(encodeURIComponent).join(",");
    });
    if (order) { parts.push("sort=" + order); }
    return parts.length ? "&" + parts.join("&") : "";
  }

  function place() { return window.location.hash.slice(1).split("&")[0]; }

  function remember(found) {
    var rest = suffix(found);
    links.forEach(function (link) { link.setAttribute("href", "#" + link.dataset.section + rest); });
    if (window.location.hash.slice(1) === place() + rest) { return; }
    try { window.history.replaceState(null, "", "#" + place() + rest); } catch (error) { /* in a frame */ }
  }

  function show() {
    var found = left(), count = 0, all = 0;
    document.querySelectorAll("[data-a]").forEach(function (row) {
      var keep = kinds.every(function (kind) {
        var name = kind === "state" ? row.dataset.s : row.dataset.a;
        return !found[kind] || name === undefined || found[kind].indexOf(name) >= 0;
      });
      row.hidden = !keep;
      if (row.dataset.s !== undefined) { all += 1; count += keep ? 1 : 0; }
    });
    var said = count + (count < all ? " of " + all : "") + (all === 1 ? " trial" : " trials");
    document.querySelectorAll(".shown").forEach(function (place) { place.textContent = said; });
    var active = Object.keys(found).length > 0;
    form.classList.toggle("active", active);
    document.getElementById("all").hidden = !active;
    window.hpoPage.filter(found);
    return found;
  }

  // What the address asks for; names that this study does not have are passed over.
  function restore() {
    var asked = {};
    window.location.hash.slice(1).split("&").slice(1).forEach(function (part) {
      var cut = part.indexOf("=");
      asked[part.slice(0, cut)] = part.slice(cut + 1).split(",").map(function (text) {
        try { return decodeURIComponent(text); } catch (error) { return text; }
      });
    });
    kinds.forEach(function (kind) {
      var wanted = (asked[kind] || []).filter(function (name) {
        return of(kind).some(function (box) { return box.value === name; });
      });
      of(kind).forEach(function (box) {
        box.checked = asked[kind] === undefined || !wanted.length || wanted.indexOf(box.value) >= 0;
      });
    });
    order = asked.sort ? asked.sort.map(encodeURIComponent).join(",") : "";
    if (asked.sort) { window.hpoTable.sort(asked.sort[0], asked.sort[1] === "descending"); }
    remember(show());
  }

  function visit() {
    restore();
    // The browser goes to a section by itself only where nothing follows its name.
    var section = place() && document.getElementById(place());
    if (section && window.location.hash.indexOf("&") >= 0) {
      section.scrollIntoView({ behavior: "instant" });
      // So does the Tab key.
      if (!section.hasAttribute("tabindex")) { section.tabIndex = -1; }
      section.focus({ preventScroll: true });
    }
  }

  form.addEventListener("change", function () { remember(show()); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  document.getElementById("all").addEventListener("click", function () {
    boxes.forEach(function (box) { box.checked = true; });
    remember(show());
    boxes[0].focus();
  });
  window.hpoTable.sorted = function (heading, down) {
    order = encodeURIComponent(heading) + "," + (down ? "descending" : "ascending");
    remember(left());
  };
  window.addEventListener("hashchange", visit);
  // On a phone the filters are one line until they are wanted.
  if (window.matchMedia("(max-width: 900px)").matches) { form.querySelector("details").open = false; }
  if (window.location.hash.indexOf("&") >= 0) { visit(); }
})();
