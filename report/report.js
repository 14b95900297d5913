"use strict";

const island = document.getElementById("explorer-data");
if (island) explore(JSON.parse(island.textContent));

function explore(data) {
  const find = (id) => document.getElementById(id);
  const [height, width] = data.size;
  const fields = bytes(data.fields);
  const masks = bytes(data.masks);
  const attributions = data.explained ? new Int8Array(bytes(data.explained.values).buffer) : null;
  const palettes = data.variables.map((variable) => bytes(variable.palette));
  const list = find("storm-list");
  const canvas = find("storm-canvas");
  const state = { storm: 0, variable: 0, arrows: data.wind.length === 2, outline: masks.length > 0, attribution: attributions !== null };

  const outcome = (storm) => (storm.event ? "event" : "no event");

  let number = 0;
  for (const group of data.groups) {
    const part = document.createElement("optgroup");
    part.label = group.reason;
    for (let i = 0; i < group.count; i += 1, number += 1) {
      const storm = data.storms[number];
      const text = `${percent(storm.shown)}, ${outcome(storm)}, ${storm.valid.slice(0, 13)} UTC`;
      part.append(new Option(text, String(number)));
    }
    list.append(part);
  }

  // Return a value of a field in its units. Fields are stored in the order storm, variable, row, column.
  function value(variable, row, column) {
    const { low, high } = data.variables[variable];
    const place = (state.storm * data.variables.length + variable) * height * width;
    return low + ((high - low) * fields[place + row * width + column]) / 255;
  }

  function showField() {
    const start = (state.storm * data.variables.length + state.variable) * height * width;
    drawField(canvas, {
      height,
      width,
      values: fields.subarray(start, start + height * width),
      palette: palettes[state.variable],
      wind: state.arrows ? (row, column) => data.wind.map((variable) => value(variable, row, column)) : null,
      inside: state.outline ? maskAt(masks, state.storm * height * width, height, width) : null,
      attribution: attributed() ? attributions.subarray(start, start + height * width) : null,
      spacing: data.spacing,
    });
  }

  // The explained storms are the first of the list. Return what belongs to the current one, if it is shown.
  function attributed() {
    return state.attribution ? data.explained.storms[state.storm] : undefined;
  }

  function describeAttribution() {
    if (!data.explained) return;
    const one = attributed();
    const name = data.variables[state.variable].name;
    let text = "The attribution is hidden.";
    if (state.attribution && !one) text = "This storm has no attribution. Those that have one are the first in the list.";
    if (one) {
      const verdict = one.passed ? "" : "FAILED ITS TEST: do not trust this attribution. ";
      text = `${verdict}Attribution to ${name} by ${data.explained.model}: orange discs raise the probability, violet rings lower it. The largest symbol of this storm, in any field, stands for ${one.largest} in log odds. It shows where the network looks, not what causes the event.`;
    }
    find("storm-attribution").textContent = text;
  }

  function drawScale() {
    const variable = data.variables[state.variable];
    drawPalette(find("scale-canvas"), palettes[state.variable]);
    find("scale-high").textContent = `${variable.high} ${variable.units}`.trim();
    find("scale-low").textContent = `${variable.low} ${variable.units}`.trim();
  }

  function showFacts() {
    const storm = data.storms[state.storm];
    const facts = [
      ["Test storm", String(storm.number)],
      ["Outcome", `${outcome(storm)}, ${data.peak} ${storm.peak}\u00a0${data.peak_units}`.trim()],
      ["Valid time", storm.valid],
      ["Forecast run", `${storm.run}, hour ${storm.hour}`],
      ["Location", `${side(storm.latitude, "NS")}, ${side(storm.longitude, "EW")}`],
      ["Track", storm.track],
      ["File", `${storm.file}, patch ${storm.patch}`],
      ...data.models.map((model, i) => [model, percent(storm.probability[i])]),
    ];
    for (const [model, members] of Object.entries(storm.members)) {
      const spread = members.std === null ? "" : `, standard deviation ${percent(members.std)}`;
      facts.push([`${model}, MC members`, `mean ${percent(members.mean)}${spread}`]);
    }
    const one = data.explained?.storms[state.storm];
    if (one) {
      facts.push([`${data.explained.model}, mean of the seeds`, percent(one.probability)]);
      data.explained.flattened.forEach((name, i) => facts.push([`With flat ${name}`, percent(one.flattened[i])]));
      if (one.agreement !== null) facts.push(["Agreement of the seeds' attributions", `rank correlation ${one.agreement.toFixed(2)}`]);
      facts.push(["Tests of the attribution", one.passed ? "passed" : "FAILED"]);
    }
    describe(find("storm-facts"), facts);
    find("storm-title").textContent = `Storm ${state.storm + 1} of ${data.storms.length}: ${outcome(storm)}, probability ${percent(storm.shown)}`;
    const wind = state.arrows ? " with wind arrows" : "";
    canvas.setAttribute("aria-label", `${data.variables[state.variable].name} of storm ${state.storm + 1}${wind}${attributed() ? " and attribution" : ""}, north at the top`);
  }

  function drawDistributions() {
    const target = find("storm-distribution");
    target.replaceChildren();
    const storm = data.storms[state.storm];
    for (const [model, members] of Object.entries(storm.members)) {
      const name = document.createElement("p");
      name.className = "note";
      name.textContent = `${model}: distribution of the MC members' probabilities`;
      target.append(name, distribution(members, storm.probability[data.models.indexOf(model)]));
    }
    if (!target.childElementCount) return;
    const key = document.createElement("p");
    key.className = "note";
    const outer = data.quantiles.map((level) => `${Math.round(100 * level)} %`);
    const inner = outer.length >= 5 ? `; dark bar: ${outer[1]} to ${outer[outer.length - 2]}` : "";
    key.textContent = `Light bar: ${outer[0]} to ${outer[outer.length - 1]}${inner}; white line: median; lower triangle: mean; upper triangle: without dropout.`;
    target.append(key);
  }

  function distribution(members, deterministic) {
    const picture = shape("svg", { viewBox: "0 0 320 74", role: "img" });
    const at = (probability) => 12 + 296 * probability;
    const add = (kind, attributes, text) => picture.append(shape(kind, attributes, text));
    const bar = (low, high, name) => add("rect", { x: at(low), y: 14, width: Math.max(1, at(high) - at(low)), height: 18, class: name });
    const q = members.quantiles;
    bar(q[0], q[q.length - 1], "wide");
    if (q.length >= 5) bar(q[1], q[q.length - 2], "narrow");
    const middle = at(q[(q.length - 1) / 2]);
    if (q.length % 2) add("line", { x1: middle, x2: middle, y1: 14, y2: 32, class: "median" });
    const arrow = (probability, tip, base, name) => {
      const x = at(probability);
      add("path", { d: `M${x} ${tip}L${x - 5} ${base}L${x + 5} ${base}Z`, class: name });
    };
    arrow(deterministic, 13, 4, "deterministic");
    arrow(members.mean, 33, 42, "mean");
    add("line", { x1: 12, x2: 308, y1: 48, y2: 48, class: "axis" });
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      add("line", { x1: at(tick), x2: at(tick), y1: 48, y2: 52, class: "axis" });
      add("text", { x: at(tick), y: 66, "text-anchor": "middle" }, String(tick));
    }
    const words = data.quantiles.map((level, i) => `${Math.round(100 * level)} % quantile ${percent(q[i])}`);
    picture.setAttribute("aria-label", words.join(", "));
    return picture;
  }

  function show(storm) {
    state.storm = Math.max(0, Math.min(data.storms.length - 1, storm));
    list.value = String(state.storm);
    showField();
    drawDistributions();
    showFacts();
    describeAttribution();
  }

  const controls = find("storm-fields");
  const addControl = (type, text, checked, act) => addFieldControl(controls, type, text, checked, (on) => {
    act(on);
    drawScale();
    show(state.storm);
  });
  data.variables.forEach((variable, i) => {
    addControl("radio", variable.name, i === 0, () => { state.variable = i; });
  });
  if (state.arrows) addControl("checkbox", "Wind arrows", true, (on) => { state.arrows = on; });

  if (state.outline) addControl("checkbox", "Outline of the storm", true, (on) => { state.outline = on; });
  if (state.attribution) {
    const toggle = addControl("checkbox", "Attribution (key a)", true, (on) => { state.attribution = on; });
    find("explorer-app").addEventListener("keydown", (event) => {
      if (event.key !== "a" || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      toggle.click();
    });
  }

  list.addEventListener("change", () => show(Number(list.value)));
  find("storm-previous").addEventListener("click", () => show(state.storm - 1));
  find("storm-next").addEventListener("click", () => show(state.storm + 1));
  find("explorer-app").hidden = false;
  drawScale();
  show(0);
}
