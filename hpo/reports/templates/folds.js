// On a phone what is long is folded until it is wanted; a wide page, paper and a page without scripts
// show all of it.
(function () {
  "use strict";
  var folds = Array.prototype.slice.call(document.querySelectorAll("details.fold"));
  var narrow = window.matchMedia("(max-width: 560px)");
  var before = [];

  function set(open) { folds.forEach(function (fold) { fold.open = open; }); }

  set(!narrow.matches);
  narrow.addEventListener("change", function () { set(!narrow.matches); });
  window.addEventListener("beforeprint", function () {
    before = folds.map(function (fold) { return fold.open; });
    set(true);
  });
  window.addEventListener("afterprint", function () {
    folds.forEach(function (fold, k) { fold.open = before[k] !== false; });
  });
})();
