"use strict";

// A click on a column header sorts the table by that column, with missing values last.
for (const table of document.querySelectorAll("table:not(.fixed)")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const numeric = head.classList.contains("number");
      const key = (row) => {
        const value = row.cells[column].dataset.sort;
        return numeric ? parseFloat(value) : value;
      };
      const compare = (a, b) => (numeric ? a - b : String(a).localeCompare(String(b)));
      const missing = (value) => numeric && Number.isNaN(value);
      const rows = [...body.rows].sort((a, b) => {
        const [left, right] = [key(a), key(b)];
        if (missing(left) || missing(right)) return missing(left) - missing(right);
        return ascending ? compare(left, right) : compare(right, left);
      });
      body.append(...rows);
    });
  });
}

// Only parts that need scrolling can be reached with the Tab key.
const scrolled = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const overflows = target.scrollWidth > target.clientWidth;
    target.tabIndex = overflows ? 0 : -1;
  }
});
for (const part of document.querySelectorAll(".scroll, .picture")) scrolled.observe(part);
