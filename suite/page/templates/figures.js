// Figures: each can be saved as the SVG that it is, or as a PNG of three times its size.
async function saveFigure(figure, kind) {
  const image = figure.querySelector("img");
  const link = make("a", { download: `${figure.id}.${kind}`, href: image.src });
  if (kind === "png") {
    image.loading = "eager"; // one that waits to be scrolled to is never decoded
    await image.decode();
    const canvas = make("canvas", { width: 3 * image.width, height: 3 * image.height });
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    link.href = canvas.toDataURL("image/png");
  }
  link.click();
}

for (const button of document.querySelectorAll("[data-save]")) {
  button.addEventListener("click", () => saveFigure(button.closest("figure"), button.dataset.save));
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.cautions details)")) details.open = true;
});
