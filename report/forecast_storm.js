"use strict";

// Return the range of the MC members, such as 56–96, from its two ends.
function spreadText([low, high], separator = "–") {
  const decimals = high < 0.0995 ? 1 : 0;
  return [low, high].map((value) => (100 * value).toFixed(decimals)).join(separator);
}

// Return an object whose function `show` fills the part of the page about one storm. `tracks` has the storms of each track in
// the order of time, and `select` is called with a storm that is to be selected.
function stormPanel(data, tracks, select) {
  const find = (id) => document.getElementById(id);
  const { storms, hours } = data;
  const state = { storm: 0, variable: 0, wind: true, outline: true, attribution: true };

  function showLimits() {
    const { storm } = state;
    const texts = [];
    if (storms.outside[storm]) texts.push(["Outside the training range (!).", " Some of its values are smaller or larger than any that the network was trained on. The probability is a guess; rely on other guidance."]);
    if (data.similar?.few[storm]) texts.push(["Unlike the training storms (?).", " No training storm is as similar as training storms usually are to each other, so the network has little experience with such storms."]);
    find("storm-limits").replaceChildren(...texts.map(([title, text]) => {
      const item = document.createElement("li");
      const strong = document.createElement("strong");
      item.className = "worse";
      strong.textContent = title;
      item.append(strong, text);
      return item;
    }));
  }

  function showFacts() {
    const { storm } = state;
    const facts = [["Probability", percent(storms.probability[storm])]];
    if (storms.spread) facts.push(["90 % of the MC members", `${spreadText(storms.spread[storm], " to ")}\u00a0%`]);
    if (storms.mean) facts.push(["Mean of the MC members", percent(storms.mean[storm])]);
    if (storms.raw[storm] !== storms.probability[storm]) facts.push(["Before recalibration", percent(storms.raw[storm])]);
    facts.push(["Time of the event", data.windows[storms.window[storm]]]);
    facts.push(["Center", `${side(storms.latitude[storm], "NS")}, ${side(storms.longitude[storm], "EW")}`]);
    facts.push(["Track", `${storms.track[storm]}, step ${storms.step[storm]}`]);
    const reached = data.thresholds.filter((threshold) => storms.probability[storm] >= threshold.value);
    if (data.thresholds.length) facts.push(["Thresholds reached", reached.map(({ name, text }) => `${text} (${name})`).join("\n") || "none"]);
    describe(find("storm-facts"), facts);
  }

  // Pictures have a scale of probability from 0 to 1 along x.
  function showMembers() {
    const target = find("storm-members");
    target.replaceChildren();
    if (!storms.members) return;
    const counts = storms.members[state.storm];
    const total = counts.reduce((sum, one) => sum + one, 0);
    const picture = add(target, "svg", { viewBox: "0 0 320 110", role: "img" });
    const at = (probability) => 16 + 284 * probability;
    const most = Math.max(...counts);
    counts.forEach((number, bin) => {
      if (!number) return;
      const high = (76 * number) / most;
      add(picture, "rect", { x: at(bin / counts.length) + 0.5, y: 84 - high, width: 284 / counts.length - 1, height: high, class: "narrow" });
    });
    const own = at(storms.probability[state.storm]);
    add(picture, "path", { d: `M${own},4V84`, class: "mark" });
    add(picture, "path", { d: "M16,84H300", class: "axis" });
    for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
      add(picture, "path", { d: `M${at(tick)},84v4`, class: "axis" });
      add(picture, "text", { x: at(tick), y: 101, "text-anchor": "middle" }, `${100 * tick} %`);
    }
    picture.setAttribute("aria-label", `Histogram of ${total} MC members: 90 % of them are between ${spreadText(storms.spread[state.storm], " and ")} %`);
    note(target, `Probabilities of ${total} MC members. Line: probability of the forecast.`);
  }

  function note(target, text) {
    const paragraph = document.createElement("p");
    paragraph.className = "note";
    paragraph.textContent = text;
    target.append(paragraph);
  }

  function showTrack() {
    const target = find("storm-track");
    target.replaceChildren();
    const own = tracks.get(storms.track[state.storm]);
    if (own.length === 1) {
      note(target, "This is the only storm of its track.");
      return;
    }
    const picture = add(target, "svg", { viewBox: "0 0 320 150", role: "img" });
    const [first, last] = [storms.time[own[0]], storms.time[own[own.length - 1]]];
    const x = (storm) => 48 + (256 * (storms.time[storm] - first)) / (last - first || 1);
    const y = (probability) => 122 - 112 * probability;
    for (const tick of [0, 0.5, 1]) {
      add(picture, "path", { d: `M42,${y(tick)}H308`, class: "grid" });
      add(picture, "text", { x: 38, y: y(tick) + 4, "text-anchor": "end" }, `${100 * tick} %`);
    }
    if (storms.spread) {
      const edge = (storm, end) => `${x(storm)},${y(storms.spread[storm][end])}`;
      const points = [...own.map((storm) => edge(storm, 1)), ...own.toReversed().map((storm) => edge(storm, 0))];
      add(picture, "polygon", { points: points.join(" "), class: "wide" });
    }
    add(picture, "polyline", { points: own.map((storm) => `${x(storm)},${y(storms.probability[storm])}`).join(" "), class: "line" });
    const every = Math.ceil(own.length / 8);
    own.forEach((storm, number) => {
      const chosen = storm === state.storm;
      const point = add(picture, "circle", { cx: x(storm), cy: y(storms.probability[storm]), r: chosen ? 6 : 4, class: chosen ? "point chosen" : "point" });
      point.addEventListener("click", () => select(storm));
      if (number % every === 0) add(picture, "text", { x: x(storm), y: 142, "text-anchor": "middle" }, hours[storms.hour[storm]].short);
    });
    const words = own.map((storm) => `${data.windows[storms.window[storm]]} ${percent(storms.probability[storm])}`);
    picture.setAttribute("aria-label", `Probability along the track: ${words.join(", ")}`);
    const band = storms.spread ? " Band: 90 % of the MC members." : "";
    note(target, `Line: probability of the storms of this track, by the beginning of their hour (UTC).${band}`);
  }

  function showReasons() {
    const one = data.explained[state.storm];
    let text = "The storms of this forecast were not explained.";
    if (one) {
      text = one.reason;
      if (!one.complete) text += " The attribution on the field is incomplete: do not rely on it.";
    } else if (Object.keys(data.explained).length) text = "This storm was not explained: only the most probable ones of the forecast and of each hour were.";
    find("storm-reason").textContent = text;
    const facts = one ? [["Probability of the network", percent(one.probability)], ...one.flattened.map(([name, probability]) => [`If ${name} were the same everywhere`, percent(probability)])] : [];
    describe(find("storm-flattened"), facts);
  }

  function showSimilar() {
    const table = find("similar-table");
    const { similar } = data;
    const past = similar ? similar.of[state.storm].map((number) => similar.past[number]) : [];
    table.hidden = past.length === 0;
    if (table.hidden) {
      find("storm-similar").textContent = similar ? "There are no training storms of other runs." : "The training storms of this network are not available here.";
      return;
    }
    const events = past.filter(([, event]) => event).length;
    find("storm-similar").textContent = `${events} of the ${past.length} training storms that the network finds most similar had the event. They are few, and the network was trained on them, so this illustrates the probability and does not check it.`;
    table.tBodies[0].replaceChildren(...past.map(([time, event, probability, peak]) => {
      const row = document.createElement("tr");
      [time, event ? "yes" : "no", peak ?? "–", probability === null ? "–" : percent(probability)].forEach((text, column) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        if (column > 1) cell.className = "number";
        row.append(cell);
      });
      return row;
    }));
  }

  // Fields.

  const { fields } = data;
  const [height, width] = fields.size;
  const chunks = new Map();

  // Return the bytes of the fields and the mask of a storm, after decompressing those of the storms next to it as well.
  async function record(storm) {
    const number = Math.floor(storm / fields.per_chunk);
    if (!chunks.has(number)) {
      const stream = new Blob([bytes(fields.chunks[number])]).stream().pipeThrough(new DecompressionStream("deflate"));
      chunks.set(number, new Response(stream).arrayBuffer().then((buffer) => new Uint8Array(buffer)));
    }
    const content = await chunks.get(number);
    const size = fields.variables.length * height * width + (fields.masks ? Math.ceil((height * width) / 8) : 0);
    const start = (storm - number * fields.per_chunk) * size;
    return content.subarray(start, start + size);
  }

  async function showField() {
    const { storm, variable } = state;
    const known = storm < fields.count;
    find("storm-picture").hidden = !known;
    if (!known) {
      find("storm-field-note").textContent = `To keep the page small, it has the fields of the ${grouped(fields.count)} most probable storms only.`;
      return;
    }
    find("storm-canvas").setAttribute("aria-busy", "true");
    const content = await record(storm);
    if (state.storm !== storm || state.variable !== variable) return;
    const area = height * width;
    const part = (number) => content.subarray(number * area, (number + 1) * area);
    const { name, low, high, units, palette } = fields.variables[variable];
    const component = (number, row, column) => {
      const range = fields.variables[number];
      return range.low + ((range.high - range.low) * part(number)[row * width + column]) / 255;
    };
    const one = state.attribution ? data.explained[storm] : undefined;
    const attribution = one ? fields.variables.map((_, number) => new Int8Array(bytes(one.attribution).buffer).subarray(number * area, (number + 1) * area)) : null;
    drawField(find("storm-canvas"), {
      height,
      width,
      values: part(variable),
      palette: bytes(palette),
      wind: state.wind && fields.wind.length === 2 ? (row, column) => fields.wind.map((number) => component(number, row, column)) : null,
      inside: fields.masks && state.outline ? maskAt(content.subarray(fields.variables.length * area), 0, height, width) : null,
      attribution: attribution && attribution[variable],
      spacing: fields.spacing,
    });
    find("storm-canvas").removeAttribute("aria-busy");
    drawPalette(find("scale-canvas"), bytes(palette));
    find("scale-high").textContent = `${high} ${units}`.trim();
    find("scale-low").textContent = `${low} ${units}`.trim();
    find("storm-canvas").setAttribute("aria-label", `${name} of storm ${storms.number[storm]}, north at the top`);
    find("storm-field-note").textContent = one
      ? attributionText(attribution, variable, one.largest)
      : `North is at the top.${fields.masks && state.outline ? " The line is the outline of the storm." : ""}`;
  }

  // Return what the symbols on a field mean; `attribution` has the signed bytes of each field.
  function attributionText(attribution, variable, largest) {
    const sizes = attribution.map((one) => one.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    const names = fields.variables.map(({ name }) => name);
    const meaning = `orange discs raise the probability, violet rings lower it. The largest symbol of this storm, in any field, stands for ${largest} in log odds. It shows where the network looks, not what causes the event.`;
    const most = sizes.indexOf(Math.max(...sizes));
    if (sizes[variable] < LEAST_DRAWN) return `Attribution to ${names[variable]} is too small to be drawn. It is largest in ${names[most]}: ${meaning}`;
    const larger = variable === most ? "" : ` The attribution is larger in ${names[most]}.`;
    return `Attribution to ${names[variable]}: ${meaning}${larger}`;
  }

  function addFieldControls() {
    const controls = find("storm-fields");
    const control = (type, text, checked, act) => addFieldControl(controls, type, text, checked, (on) => {
      act(on);
      showField();
    });
    fields.variables.forEach(({ name }, number) => control("radio", name, number === 0, () => { state.variable = number; }));
    if (fields.wind.length === 2) control("checkbox", "Wind arrows", true, (on) => { state.wind = on; });
    if (fields.masks) control("checkbox", "Outline of the storm", true, (on) => { state.outline = on; });
    if (Object.keys(data.explained).length) control("checkbox", "Attribution", true, (on) => { state.attribution = on; });
  }

  function show(storm) {
    state.storm = storm;
    showLimits();
    showFacts();
    showMembers();
    showTrack();
    showReasons();
    showSimilar();
    showField();
  }

  addFieldControls();
  return { show };
}
