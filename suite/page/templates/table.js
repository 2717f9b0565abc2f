"use strict";

// Without JavaScript the tables are complete and in the study's order, and groups of columns can be chosen. This adds
// sorting, filters, single columns, and copies as CSV and LaTeX.
document.documentElement.classList.add("js");

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// Sorting, inside each body: rows of different bodies are never ranked together.
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
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("body-title"));
    const keyed = rows.map((row) => ({ row, value: key(row, column) }));
    // Rows without a number stay below, whichever the direction.
    keyed.sort((a, b) => (a.value === null) - (b.value === null) || (a.value === null ? 0 : direction * compare(a.value, b.value)));
    body.append(...keyed.map((item) => item.row));
  }
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const header of table.tHead.rows[0].cells) {
    const button = make("button", { type: "button" }, ...[...header.childNodes].filter((node) => !node.matches?.(".define")));
    // What leads to a definition stays beside the button: it says the unit, or a question mark.
    button.append(make("span", { className: "sort" }));
    header.prepend(button);
    button.addEventListener("click", () => sort(table, header));
  }
}

const configurations = document.getElementById("configurations");
const headers = [...configurations.tHead.rows[0].cells];
const bodyRows = () => [...configurations.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.classList.contains("body-title"));

// Columns: a group's box shows or hides all of its own; single ones can be picked.
const picked = new Set();

function showColumns() {
  headers.forEach((header, at) => {
    if (!header.dataset.group) return;
    const hidden = !picked.has(at);
    header.hidden = hidden;
    for (const row of bodyRows()) row.cells[at].hidden = hidden;
  });
  for (const box of document.querySelectorAll("#pick input")) box.checked = picked.has(Number(box.value));
}

const boxes = [...document.querySelectorAll("#table [data-group][type=checkbox]")];
const groupColumns = (group) => headers.flatMap((header, at) => (header.dataset.group === group ? [at] : []));
for (const box of boxes) {
  const take = () => groupColumns(box.dataset.group).forEach((at) => (box.checked ? picked.add(at) : picked.delete(at)));
  take();
  box.addEventListener("change", () => { take(); showColumns(); });
  const list = make("p", {}, make("b", { textContent: `${box.parentElement.textContent}: ` }));
  for (const at of groupColumns(box.dataset.group)) {
    const single = make("input", { type: "checkbox", value: at });
    single.addEventListener("change", () => { single.checked ? picked.add(at) : picked.delete(at); showColumns(); });
    list.append(make("label", {}, single, headers[at].querySelector("button").firstChild.textContent.trim()));
  }
  document.getElementById("pick").append(list);
}
showColumns();

// Filters: none pressed of a kind means all of it.
const settingsOf = (row) => JSON.parse(row.dataset.settings);
const FILTERS = {
  dataset: ["Data set", (row) => row.dataset.dataset],
  variant: ["Variant", (row) => row.dataset.variant],
  latent: ["Latent size", (row) => row.dataset.latent],
};
for (const name of new Set(bodyRows().flatMap((row) => Object.keys(settingsOf(row))))) {
  FILTERS[name] = [name, (row) => settingsOf(row)[name] ?? ""];
}
const wanted = {};

function filterRows() {
  for (const row of bodyRows()) {
    row.hidden = Object.entries(wanted).some(([name, values]) => values.size > 0 && !values.has(FILTERS[name][1](row)));
  }
  for (const body of configurations.tBodies) {
    body.hidden = [...body.rows].every((row) => row.hidden || row.classList.contains("body-title"));
  }
}

for (const [name, [title, valueOf]] of Object.entries(FILTERS)) {
  const values = [...new Set(bodyRows().map(valueOf))].sort((a, b) => a - b || compare(a, b));
  if (values.length < 2) continue;
  wanted[name] = new Set();
  const set = make("fieldset", {}, make("legend", { textContent: `Only ${title.toLowerCase()}` }));
  for (const value of values) {
    const box = make("input", { type: "checkbox", value, name: `only-${name}` });
    box.addEventListener("change", () => { box.checked ? wanted[name].add(value) : wanted[name].delete(value); filterRows(); });
    set.append(make("label", {}, box, value === "" ? "none" : value));
  }
  document.getElementById("filters").append(set);
}

// Copies: what is shown, in its order.
const shownColumns = () => headers.flatMap((header, at) => (header.hidden ? [] : [at]));
const shownRows = () => [...configurations.tBodies].filter((body) => !body.hidden)
  .flatMap((body) => [...body.rows].filter((row) => !row.hidden && !row.classList.contains("body-title")).map((row) => ({ row, title: body.dataset.title })));
const part = (cell, name) => cell.querySelector(name)?.textContent.trim() ?? "";
const plain = (text) => text.replaceAll("−", "-").replaceAll(",", "");
const labelOf = (at) => headers[at].querySelector("button").firstChild.textContent.trim();

function csv() {
  const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const columns = shownColumns();
  const metric = (at) => headers[at].dataset.name;
  const head = ["board", ...columns.flatMap((at) => (metric(at) ? ["mean", "sd", "low", "high", "n"].map((end) => `${metric(at)}_${end}`) : [labelOf(at)]))];
  const lines = shownRows().map(({ row, title }) => [title, ...columns.flatMap((at) => {
    const cell = row.cells[at];
    if (!metric(at)) return [cell.textContent.trim()];
    const [low = "", high = ""] = plain(part(cell, ".interval").slice(1, -1).replace(", ", ";")).split(";");
    const count = part(cell, "small").replace("n=", "") || (cell.dataset.value === "" ? "0" : row.dataset.n);
    return [cell.dataset.value, plain(part(cell, ".sd").replace("± ", "")), low, high, count];
  })]);
  return [head, ...lines].map((line) => line.map(quote).join(",")).join("\n") + "\n";
}

function latex() {
  const escape = (text) => text.replace(/[&%_#$]/g, "\\$&").replaceAll("β", "$\\beta$").replaceAll("²", "$^2$")
    .replaceAll("↑", "$\\uparrow$").replaceAll("↓", "$\\downarrow$").replaceAll("≥", "$\\geq$").replaceAll("−", "$-$").replaceAll("→", "$\\to$");
  const columns = shownColumns();
  const interval = document.getElementById("beside-interval").checked;
  const head = columns.map((at) => {
    const unit = part(headers[at], ".unit");
    return escape([labelOf(at), part(headers[at], ".arrow"), unit && unit !== "?" && `(${unit})`].filter(Boolean).join(" "));
  });
  const number = (cell) => {
    const mean = cell.firstChild.textContent.trim();
    if (cell.dataset.value === "") return mean;
    const beside = interval ? part(cell, ".interval") : part(cell, ".sd").replace("± ", "\\pm ");
    const text = `${mean} ${beside}`.trim().replaceAll("−", "-").replaceAll("≥", "\\geq ").replaceAll(",", "{,}").replaceAll("{,} ", ",\\,");
    return cell.classList.contains("best") ? `$\\mathbf{${text}}$` : cell.classList.contains("tied") ? `\\underline{$${text}$}` : `$${text}$`;
  };
  const lines = shownRows().map(({ row }) => columns.map((at) => (headers[at].dataset.name ? number(row.cells[at]) : escape(row.cells[at].textContent.trim()))).join(" & ") + " \\\\");
  const align = columns.map((at) => (headers[at].classList.contains("number") ? "r" : "l")).join("");
  return ["% needs \\usepackage{booktabs}; bold: best, underlined: tied with it", `\\begin{tabular}{${align}}`, "\\toprule", head.join(" & ") + " \\\\", "\\midrule", ...lines, "\\bottomrule", "\\end{tabular}", ""].join("\n");
}

async function copy(text, kind) {
  const area = document.getElementById("copy-text");
  const said = document.getElementById("copied");
  const size = `${shownRows().length} rows, ${shownColumns().length} columns`;
  area.value = text;
  area.hidden = false;
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = `Copied as ${kind}: ${size}.`;
  } catch {
    area.select();
    said.textContent = `${kind}: ${size}; press Ctrl+C to copy.`;
  }
}
document.getElementById("copy-csv").addEventListener("click", () => copy(csv(), "CSV"));
document.getElementById("copy-latex").addEventListener("click", () => copy(latex(), "LaTeX"));
