// Live decoder: a chain of dense layers in half-precision weights, run here.
const ACTIVATIONS = { linear: (x) => x, relu: (x) => Math.max(x, 0), tanh: Math.tanh, sigmoid: (x) => 1 / (1 + Math.exp(-x)) };
// The expected pixel at a parameter of the likelihood; the series is where the closed form cancels.
const MEANS = {
  bernoulli: ACTIVATIONS.sigmoid,
  gaussian: (x) => x,
  diagonal_gaussian: (x) => x,
  student_t: (x) => x,
  poisson: Math.exp,
  negative_binomial: Math.exp,
  continuous_bernoulli: (l) => (Math.abs(l) < 0.5 ? 0.5 + l / 12 - l ** 3 / 720 + l ** 5 / 30240 : 1 / -Math.expm1(-l) - 1 / l),
};

function halves(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, at) => {
    const half = view.getUint16(2 * at, true);
    const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}

function rows(text, length) {
  const flat = halves(text);
  return Array.from({ length: flat.length / length }, (_, row) => [...flat.subarray(row * length, (row + 1) * length)]);
}

function decoder(model) {
  const numbers = halves(model.weights);
  let start = 0;
  const take = (count) => numbers.subarray(start, (start += count));
  const layers = model.layers.map(([name, inputs, outputs]) => ({ name, inputs, outputs, kernel: take(inputs * outputs), bias: take(outputs) }));
  return (code) => {
    let values = Float32Array.from(code);
    for (const { name, inputs, outputs, kernel, bias } of layers) {
      const sums = Float32Array.from(bias);
      for (let row = 0; row < inputs; row += 1) {
        if (values[row] === 0) continue;
        for (let column = 0; column < outputs; column += 1) sums[column] += values[row] * kernel[row * outputs + column];
      }
      values = sums.map(ACTIVATIONS[name]);
    }
    return values.map(MEANS[model.likelihood]);
  };
}

function paint(canvas, pixels, [height, width, channels]) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = context.createImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    for (let colour = 0; colour < 3; colour += 1) {
      const value = pixels[at * channels + (channels >= 3 ? colour : 0)];
      image.data[4 * at + colour] = Math.round(255 * clamp(value, 0, 1));
    }
    image.data[4 * at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

// Series as lines, each channel in its colour, to the same range as the panels of the pictures.
function plot(canvas, values, [steps, channels], [low, high, colours]) {
  [canvas.width, canvas.height] = [680, 374];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#f3f4f6";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.lineWidth = 4;
  for (let channel = 0; channel < channels; channel += 1) {
    context.strokeStyle = colours[channel];
    context.beginPath();
    for (let step = 0; step < steps; step += 1) {
      const share = clamp((values[step * channels + channel] - low) / (high - low), 0, 1);
      context.lineTo((step / Math.max(steps - 1, 1)) * canvas.width, 4 + (1 - share) * (canvas.height - 8));
    }
    context.stroke();
  }
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

function live(root) {
  const about = DATA[root.dataset.board];
  const [pad, canvas, sliders] = [".pad", "canvas", ".sliders"].map((name) => root.querySelector(name));
  const [padCaption, said] = [".pad + figcaption", "[role=status]"].map((name) => root.querySelector(name));
  let model, decode, codes, prior, code, at = -1;

  const project = (point) => model.basis.map((axis) => axis.reduce((sum, weight, dim) => sum + weight * (point[dim] - model.mean[dim]), 0));
  const toPad = ([u, v]) => [500 + (470 * u) / model.reach, 500 - (470 * v) / model.reach];

  function draw() {
    (model.lines ? plot : paint)(canvas, decode(code), model.shape, model.lines);
    const [x, y] = toPad(project(code));
    const mark = pad.querySelector("circle");
    mark.setAttribute("cx", clamp(x, 10, 990));
    mark.setAttribute("cy", clamp(y, 10, 990));
    for (const slider of sliders.querySelectorAll("input")) {
      slider.value = code[slider.dataset.dim];
      slider.nextElementSibling.textContent = code[slider.dataset.dim].toFixed(2);
    }
    root.dataset.code = JSON.stringify(code);
  }

  function moveTo([x, y]) {
    const [u, v] = [((clamp(x, 0, 1000) - 500) / 470) * model.reach, ((500 - clamp(y, 0, 1000)) / 470) * model.reach];
    code = model.mean.map((value, dim) => value + u * model.basis[0][dim] + v * model.basis[1][dim]);
    said.textContent = "A code in the plane, decoded";
    draw();
  }

  const go = {
    mean: () => { code = [...model.mean]; said.textContent = "The mean code, decoded"; },
    prior: () => { code = prior.length ? [...prior[Math.floor(Math.random() * prior.length)]] : model.mean.map(normal); said.textContent = model.prior ? "A draw from the prior, decoded" : "A draw from N(0, I), which this model never saw in training, decoded"; },
    image: () => {
      at = (at + 37) % codes.length;
      code = [...codes[at]];
      const label = about.labels.length ? `, a ${about.names[about.labels[at]]}` : "";
      said.textContent = `The code of test ${root.dataset.noun} ${about.index[at]}${label}, decoded`;
    },
  };

  function load(id) {
    model = about.live[id];
    decode = decoder(model);
    [codes, prior] = [rows(model.codes, model.mean.length), rows(model.priorCodes, model.mean.length)];
    const paths = {};
    codes.forEach((point, index) => {
      const [x, y] = toPad(project(point)).map(Math.round);
      const label = about.labels[index] ?? 0;
      paths[label] = `${paths[label] ?? ""}M${x} ${y}h0`;
    });
    const colours = [...root.parentElement.parentElement.querySelectorAll(`.seeing[data-board="${root.dataset.board}"] .classes i`)].map((item) => item.style.background);
    pad.querySelector("g").replaceChildren(...Object.entries(paths).map(([label, d]) => {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      path.style.stroke = colours[label] ?? "var(--muted)";
      return path;
    }));
    padCaption.textContent = model.mean.length === 2 ? "Latent space, with test images" : "First two principal components of the codes, with test images; dragging stays in this plane";
    sliders.replaceChildren(...model.order.map((dim) => {
      const reach = Math.max(3.5 * model.spread[dim], 1e-3);
      const slider = make("input", { type: "range", min: model.mean[dim] - reach, max: model.mean[dim] + reach, step: reach / 100 });
      slider.dataset.dim = dim;
      slider.addEventListener("input", () => { code[dim] = Number(slider.value); said.textContent = "Moved by hand, decoded"; draw(); });
      return make("label", {}, `z${dim + 1}`, slider, make("output"));
    }));
    go.image();
    draw();
  }

  for (const button of root.querySelectorAll("[data-go]")) button.addEventListener("click", () => { go[button.dataset.go](); draw(); });
  pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); moveTo(place(pad, event)); });
  pad.addEventListener("pointermove", (event) => { if (event.buttons) moveTo(place(pad, event)); });
  pad.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [25, 0], ArrowLeft: [-25, 0], ArrowUp: [0, -25], ArrowDown: [0, 25] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [x, y] = toPad(project(code));
    moveTo([x + step[0], y + step[1]]);
  });
  const select = root.querySelector("select");
  select.addEventListener("change", () => load(select.value));
  load(select.value);
}

for (const root of document.querySelectorAll("#live .live")) live(root);
