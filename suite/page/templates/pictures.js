// Pictures: the reader's choice of models side by side, and the explorer: a test image in every model's latent space.
const DATA = JSON.parse(document.getElementById("data").textContent);

// One dot a test image: "M12 34h0", class by class, in the order in which the images are explored.
const dots = (svg) => [...svg.querySelectorAll("path")].flatMap((path) =>
  [...path.getAttribute("d").matchAll(/M(-?\d+) (-?\d+)/g)].map(([, x, y]) => [Number(x), Number(y)]));

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Where a pointer is, in the units of a drawing of 1000 by 1000.
function place(svg, event) {
  const box = svg.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * 1000, ((event.clientY - box.top) / box.height) * 1000];
}

function cut(canvas, sprite, at, columns) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(sprite, (at % columns) * canvas.width, Math.floor(at / columns) * canvas.height, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
}

function gather(seeing) {
  const side = make("div", { className: "models", tabIndex: 0 });
  side.setAttribute("role", "region");
  side.setAttribute("aria-label", `The chosen models side by side, ${seeing.dataset.title}`);
  side.append(...seeing.querySelectorAll(".model"));
  for (const details of seeing.querySelectorAll(".gallery")) details.remove();
  seeing.append(side);
  const boxes = [...seeing.querySelectorAll(".picker input")];
  const show = () => {
    for (const box of boxes) seeing.querySelector(`.model[data-id="${box.value}"]`).hidden = !box.checked;
  };
  for (const box of boxes) box.addEventListener("change", show);
  show();
}

const svgPart = (name, attributes) => {
  const part = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
  return part;
};

// Dots by another thing than their class: a path a shade, in the place of those of the classes.
function colour(seeing, at) {
  const chosen = DATA[seeing.dataset.board].colourings[at];
  const scale = seeing.querySelector(".by .scale");
  scale.hidden = !chosen;
  if (chosen) {
    const [low, high] = scale.querySelectorAll("span");
    [low.textContent, high.textContent] = [chosen.low, chosen.high];
    scale.querySelector("i").style.background = `linear-gradient(to right, ${chosen.colours.join(", ")})`;
  }
  const classes = seeing.querySelector(".classes");
  if (classes) classes.hidden = Boolean(chosen);
  const name = seeing.querySelector(".by select").selectedOptions[0].textContent;
  for (const svg of seeing.querySelectorAll(".scatter")) {
    svg.setAttribute("aria-label", svg.getAttribute("aria-label").replace(/coloured by .*$/, () => `coloured by ${name}`));
    for (const path of svg.querySelectorAll("path.shade")) path.remove();
    const points = dots(svg);
    for (const part of svg.querySelectorAll("path, text")) part.style.display = chosen ? "none" : "";
    if (!chosen) continue;
    const shades = typeof chosen.shades === "string" ? chosen.shades : chosen.shades[svg.closest(".model").dataset.id];
    chosen.colours.forEach((stroke, shade) => {
      const letter = String.fromCharCode(97 + shade);
      const d = points.filter((_, index) => shades[index] === letter).map(([x, y]) => `M${x} ${y}h0`).join("");
      if (d) svg.prepend(svgPart("path", { class: "shade", d, stroke }));
    });
  }
}

function explore(seeing) {
  const about = DATA[seeing.dataset.board];
  const columns = Number(seeing.dataset.columns);
  const models = [...seeing.querySelectorAll(".model")].filter((model) => model.querySelector(".made canvas"));
  const planes = models.flatMap((model) => [...model.querySelectorAll(".scatter")]).map((svg) => ({ svg, points: dots(svg) }));
  const pointed = seeing.querySelector(".pointed");
  const noun = seeing.dataset.noun;
  let chosen = -1;

  function choose(at) {
    chosen = at;
    cut(pointed.querySelector("canvas"), pointed.querySelector(".sprite"), at, columns);
    const label = about.labels.length ? `, a ${about.names[about.labels[at]]}` : "";
    pointed.querySelector("p").textContent = `Test ${noun} ${about.index[at]}${label}`;
    for (const model of models) cut(model.querySelector(".made canvas"), model.querySelector(".made .sprite"), at, columns);
    for (const { svg, points } of planes) {
      let ring = svg.querySelector("circle");
      if (!ring) {
        ring = svgPart("circle", { r: 22 });
        svg.append(ring);
      }
      ring.setAttribute("cx", points[at][0]);
      ring.setAttribute("cy", points[at][1]);
    }
  }

  for (const { svg, points } of planes) {
    svg.tabIndex = 0;
    const nearest = (event) => {
      const [x, y] = place(svg, event);
      const distances = points.map(([a, b]) => (a - x) ** 2 + (b - y) ** 2);
      const at = distances.indexOf(Math.min(...distances));
      if (distances[at] < 60 ** 2) choose(at);
    };
    svg.addEventListener("pointermove", nearest);
    svg.addEventListener("pointerdown", nearest);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      choose((chosen + step + points.length) % points.length);
    });
  }
  const sprites = [...seeing.querySelectorAll(".sprite")];
  Promise.all(sprites.map((image) => image.decode())).then(() => { if (chosen < 0) choose(0); });
}

for (const seeing of document.querySelectorAll(".seeing")) {
  gather(seeing);
  if (seeing.querySelector(".pointed")) explore(seeing);
  const by = seeing.querySelector(".by select");
  if (by) by.addEventListener("change", () => colour(seeing, by.value === "" ? -1 : Number(by.value)));
}
