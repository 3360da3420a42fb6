"use strict";
const page = JSON.parse(document.getElementById("page-data").textContent);
const options = {
  actions: false,
  ast: true,
  config: page.config,
  defaultStyle: false,
  logLevel: 1,
  mode: "vega-lite",
  renderer: "svg",
};

function element(tag, text, name) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

/* Shows what lies behind the chosen cell of the heat map. */
function showCell(heat, shares) {
  const cell = heat.signal("cell");
  if (!cell.row || !cell.row.length) return;
  const found = page.cells[[heat.signal("against"), cell.row[0], cell.column[0]].join("/")];
  const title = document.getElementById("cell-title");
  const facts = document.getElementById("cell-facts");
  const legend = document.getElementById("cell-legend");
  const chart = document.querySelector('[data-chart="shares"]');
  facts.replaceChildren();
  title.textContent = found ? found.title : "Not compared";
  document.getElementById("cell-level").textContent = found ? found.level : "";
  legend.hidden = chart.hidden = !(found && found.shares);
  if (!found) return;
  for (const [name, value] of found.facts) {
    facts.append(element("dt", name), element("dd", value));
  }
  if (!found.shares) {
    facts.append(element("dt", "distribution"), element("dd", "not recorded"));
    return;
  }
  document.getElementById("cell-against").textContent = found.against;
  shares.data("bins", found.shares.flatMap(([bin, baseline, current]) => [
    { bin, side: 0, share: baseline },
    { bin, side: 1, share: current },
  ]));
  shares.resize().runAsync();
}

async function draw() {
  const views = {};
  for (const place of document.querySelectorAll("[data-chart]")) {
    const name = place.dataset.chart;
    views[name] = (await vegaEmbed(place, page.charts[name], options)).view;
  }
  if (views.drift) {
    const show = () => showCell(views.drift, views.shares);
    views.drift.addSignalListener("cell", () => {
      show();
      document.querySelector("aside").scrollIntoView({ block: "nearest" });
    });
    views.drift.addSignalListener("against", show);
    show();
  }
  document.documentElement.dataset.drawn = Object.keys(views).length;
}

draw().catch((error) => {
  document.documentElement.dataset.failed = error;
  document.body.prepend(element("p", `The charts could not be drawn: ${error}`, "missing"));
});
