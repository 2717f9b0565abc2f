"use strict";

// Without JavaScript the tables are complete and in the study's order; this adds sorting.
document.documentElement.classList.add("js");

function key(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value === undefined) return cell.textContent.trim();
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}

function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

function sort(table, header) {
  const column = header.cellIndex;
  const direction = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: key(row, column) }));
  // Rows without a number stay below, whichever the direction.
  rows.sort((a, b) => (a.value === null) - (b.value === null) || (a.value === null ? 0 : direction * compare(a.value, b.value)));
  table.tBodies[0].append(...rows.map((item) => item.row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const header of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    // The sign of sorting stands beside the label, before a unit on its own line.
    const sign = document.createElement("span");
    sign.className = "sort";
    button.insertBefore(sign, button.querySelector(":scope > .unit"));
    header.append(button);
    button.addEventListener("click", () => sort(table, header));
  }
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
