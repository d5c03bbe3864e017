"use strict";
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const form = document.querySelector("form.filter");
  const unpacked = new Map();
  const views = [];
  const MOST_ROWS = 500;

  // Tables are kept column by column, with every text written once.
  function rows(name) {
    if (!unpacked.has(name)) {
      const columns = Object.entries(content.datasets[name]).map(([key, held]) =>
        [key, Array.isArray(held) ? held : held.numbers.map(at => at < 0 ? null : held.texts[at])]);
      const made = columns[0][1].map((_, at) => Object.fromEntries(columns.map(([key, values]) => [key, values[at]])));
      unpacked.set(name, made);
    }
    return unpacked.get(name);
  }

  function chosen() {
    if (!form) return {modes: content.modes, first: content.first, last: content.last};
    const modes = [...form.elements].filter(it => it.name === "mode" && it.checked).map(it => it.value);
    return {modes, first: form.elements.first.value || content.first, last: form.elements.last.value || content.last};
  }

  const isAll = now => now.modes.length === content.modes.length && now.first === content.first && now.last === content.last;

  // What a figure shows under the page's filter: the same rows that its charts keep.
  function shown(figure) {
    const {modes, first, last} = chosen();
    const found = content.figures[figure] || {dataset: figure, filters: ["mode", "day"]};
    const keeps = {
      mode: row => modes.includes(row.mode),
      day: row => row.day >= first && row.day <= last,
      month: row => row.month >= first.slice(0, 7) && row.month <= last.slice(0, 7),
    };
    const dataset = found.dataset === "airports" ? "zones" : found.dataset;
    return rows(dataset).filter(row => (!found.only || row[found.only]) && found.filters.every(name => keeps[name](row)));
  }

  function csv(figure) {
    const quoted = value => value === null || value === undefined ? "" : /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
    const lines = shown(figure).map(row => Object.values(row).map(quoted).join(","));
    const columns = Object.keys(content.datasets[content.figures[figure].dataset === "airports" ? "zones" : content.figures[figure].dataset]);
    return [columns.join(","), ...lines].join("\n") + "\n";
  }

  function save(figure) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(figure)], {type: "text/csv"}));
    link.download = `nyc_mobility_${figure}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function table(figure, place) {
    const all = shown(figure), made = document.createElement("table");
    const columns = Object.keys(all[0] || {});
    const head = made.createTHead().insertRow();
    for (const name of columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    const body = made.createTBody();
    for (const row of all.slice(0, MOST_ROWS)) {
      const line = body.insertRow();
      for (const name of columns) {
        const value = row[name], cell = line.insertCell();
        cell.textContent = value === null ? "\u2013" : typeof value === "number" ? value.toLocaleString("en-US") : value;
        if (typeof value === "number") cell.className = "right";
      }
    }
    const scroll = document.createElement("div");
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", document.getElementById(`${figure}-title`).textContent);
    scroll.append(made);
    const told = document.createElement("p");
    told.className = "follows";
    told.textContent = all.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${all.length.toLocaleString("en-US")} rows; the CSV has all.` : `${all.length.toLocaleString("en-US")} rows.`;
    place.replaceChildren(told, scroll);
  }

  async function draw(place, figure, caption) {
    const spec = structuredClone(content.figures[figure].charts[caption]);
    const names = [...JSON.stringify(spec).matchAll(/"data":\{"name":"(\w+)"/g)].map(found => found[1]).filter(name => content.datasets[name]);
    spec.datasets = {...spec.datasets, ...Object.fromEntries(names.map(name => [name, rows(name)]))};
    spec.background = "transparent";
    spec.autosize = {type: "fit-x", contains: "padding", resize: true};
    const {modes, first, last} = chosen();
    for (const param of spec.params) if (param.name in {modes, first, last}) param.value = {modes, first, last}[param.name];
    spec.config = {
      ...spec.config, aria: false, font: "system-ui, sans-serif", view: {stroke: null},
      axis: {labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, titlePadding: 8, domain: false, ticks: false, labelPadding: 6},
      legend: {labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400},
    };
    const {role, ariaLabel} = place;
    const {view} = await vegaEmbed(place, spec, {mode: "vega-lite", renderer: "svg", actions: false, logLevel: 1, tooltip: {theme: "custom"}});
    // The place itself is the picture, with a label that says what it shows; its parts say nothing more.
    Object.assign(place, {role, ariaLabel});
    for (const svg of place.querySelectorAll("svg")) svg.setAttribute("aria-hidden", "true");
    views.push(view);
  }

  async function filter() {
    const now = chosen();
    const trips = shown("daily").reduce((sum, row) => sum + (row.trips || 0), 0);
    const place = document.getElementById("shown");
    if (place) place.textContent = now.modes.length
      ? `${trips.toLocaleString("en-US")} trips on ${now.first} to ${now.last}` + (isAll(now) ? "" : "; sentences speak of all")
      : "no mode is chosen";
    for (const view of views) {
      for (const [name, value] of Object.entries(now)) view.signal(name, value);
    }
    await Promise.all(views.map(view => view.runAsync()));
    for (const open of document.querySelectorAll("[data-table][aria-expanded=true]")) table(open.dataset.table, numbers(open));
  }

  const numbers = button => button.closest("figure").querySelector(".numbers");

  document.addEventListener("click", event => {
    const button = event.target.closest("[data-csv],[data-table]");
    if (!button) return;
    if (button.dataset.csv) return save(button.dataset.csv);
    const open = button.getAttribute("aria-expanded") !== "true", place = numbers(button);
    button.setAttribute("aria-expanded", String(open));
    place.hidden = !open;
    if (open) table(button.dataset.table, place);
  });
  if (form) {
    form.addEventListener("change", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    form.addEventListener("submit", event => event.preventDefault());
  }

  async function begin() {
    for (const place of document.querySelectorAll("[data-chart]")) {
      try {
        await draw(place, place.closest("figure").dataset.figure, place.dataset.chart);
      } catch (error) {
        place.textContent = `This chart could not be drawn (${error.message}). Its numbers are in the table below.`;
      }
    }
    if (content.datasets.daily) await filter();
    document.documentElement.dataset.drawn = String(views.length);
  }
  begin();
})();
