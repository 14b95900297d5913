"use strict";

// A click on a column header sorts the table by that column, with missing values last.
for (const table of document.querySelectorAll("table")) {
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

const island = document.getElementById("explorer-data");
if (island) explore(JSON.parse(island.textContent));

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

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

  // No-break spaces keep a number and its unit on one line.
  const percent = (probability) => `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)}\u00a0%`;
  const side = (angle, sides) => `${Math.abs(angle).toFixed(2)}° ${sides[angle < 0 ? 1 : 0]}`;
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

  function drawField() {
    const image = new ImageData(width, height);
    const palette = palettes[state.variable];
    const start = (state.storm * data.variables.length + state.variable) * height * width;
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        // The first row of a field is the southernmost; the first row of an image is the top.
        const pixel = 4 * ((height - 1 - row) * width + column);
        const color = 3 * fields[start + row * width + column];
        image.data.set(palette.subarray(color, color + 3), pixel);
        image.data[pixel + 3] = 255;
      }
    }
    const small = document.createElement("canvas");
    small.width = width;
    small.height = height;
    small.getContext("2d").putImageData(image, 0, 0);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    if (state.arrows) drawArrows(context);
    if (state.outline) drawOutline(context);
    if (attributed()) drawAttribution(context);
    if (data.spacing > 0) drawLength(context);
  }

  // A bar of 1, 2 or 5 times a power of ten kilometers, at most a third of the width.
  function drawLength(context) {
    const most = (width * data.spacing) / 3;
    const power = 10 ** Math.floor(Math.log10(most));
    const length = power * [5, 2, 1].find((times) => times * power <= most);
    const across = (canvas.width * length) / (width * data.spacing);
    const [left, bottom] = [16, canvas.height - 16];
    context.fillStyle = "rgba(255, 255, 255, 0.85)";
    context.fillRect(left - 10, bottom - 36, Math.max(across, 90) + 20, 46);
    context.fillStyle = "#000000";
    context.fillRect(left, bottom - 6, across, 6);
    context.font = "22px sans-serif";
    context.fillText(`${length}\u00a0km`, left, bottom - 12);
  }

  // Masks have one bit per grid point, the first in the highest bit of a byte.
  function inside(row, column) {
    if (row < 0 || row >= height || column < 0 || column >= width) return false;
    const place = (state.storm * height + row) * width + column;
    return ((masks[place >> 3] >> (7 - (place & 7))) & 1) === 1;
  }

  function drawOutline(context) {
    const [across, down] = [canvas.width / width, canvas.height / height];
    context.strokeStyle = "#d4006a";
    context.lineWidth = 3;
    context.beginPath();
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        if (!inside(row, column)) continue;
        const [left, top] = [column * across, (height - 1 - row) * down];
        const edges = [
          [inside(row, column - 1), left, top, left, top + down],
          [inside(row, column + 1), left + across, top, left + across, top + down],
          [inside(row + 1, column), left, top, left + across, top],
          [inside(row - 1, column), left, top + down, left + across, top + down],
        ];
        for (const [joined, x, y, end, bottom] of edges) {
          if (joined) continue;
          context.moveTo(x, y);
          context.lineTo(end, bottom);
        }
      }
    }
    context.stroke();
  }

  // The explained storms are the first of the list. Return what belongs to the current one, if it is shown.
  function attributed() {
    return state.attribution ? data.explained.storms[state.storm] : undefined;
  }

  // The area of a symbol is proportional to the attribution: discs if it is positive, rings if it is negative.
  function drawAttribution(context) {
    const cell = canvas.width / width;
    const start = (state.storm * data.variables.length + state.variable) * height * width;
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const part = attributions[start + row * width + column] / 127;
        const radius = 0.48 * cell * Math.sqrt(Math.abs(part));
        if (radius < 0.1 * cell) continue;
        context.beginPath();
        context.arc((column + 0.5) * cell, (height - row - 0.5) * cell, radius, 0, 2 * Math.PI);
        for (const [color, line] of [["#ffffff", 4], [part > 0 ? "#d95f02" : "#5e2ca5", 2]]) {
          context.strokeStyle = color;
          context.lineWidth = line;
          context.stroke();
        }
        if (part > 0) {
          context.fillStyle = "#d95f02";
          context.fill();
        }
      }
    }
  }

  function describeAttribution() {
    if (!data.explained) return;
    const one = attributed();
    const name = data.variables[state.variable].name;
    let text = "The attribution is hidden.";
    if (state.attribution && !one) text = "This storm has no attribution. Those that have one are the first in the list.";
    if (one) {
      const verdict = one.passed ? "" : "FAILED ITS TEST: do not trust this attribution. ";
      text = `${verdict}Attribution to ${name} by ${data.explained.model}: discs raise the probability, rings lower it. The largest symbol of this storm, in any field, stands for ${one.largest} in log odds. It shows where the network looks, not what causes the event.`;
    }
    find("storm-attribution").textContent = text;
  }

  function drawArrows(context) {
    const step = Math.max(1, Math.floor(height / 11));
    const cell = canvas.width / width;
    const meter = (2.2 * cell * step) / 30;
    for (const [color, line] of [["#ffffff", 5], ["#000000", 2]]) {
      context.strokeStyle = color;
      context.lineWidth = line;
      context.beginPath();
      for (let row = step >> 1; row < height; row += step) {
        for (let column = step >> 1; column < width; column += step) {
          const x = (column + 0.5) * cell;
          const y = (height - row - 0.5) * cell;
          const east = meter * value(data.wind[0], row, column);
          const south = -meter * value(data.wind[1], row, column);
          const length = Math.hypot(east, south);
          if (length < 2) continue;
          const angle = Math.atan2(south, east);
          const barb = Math.min(9, length / 2);
          context.moveTo(x, y);
          context.lineTo(x + east, y + south);
          for (const turn of [2.6, -2.6]) {
            context.moveTo(x + east, y + south);
            context.lineTo(x + east + barb * Math.cos(angle + turn), y + south + barb * Math.sin(angle + turn));
          }
        }
      }
      context.stroke();
    }
  }

  function drawScale() {
    const variable = data.variables[state.variable];
    const scale = find("scale-canvas");
    const context = scale.getContext("2d");
    const palette = palettes[state.variable];
    for (let i = 0; i < 256; i += 1) {
      context.fillStyle = `rgb(${palette[3 * i]}, ${palette[3 * i + 1]}, ${palette[3 * i + 2]})`;
      context.fillRect(0, 255 - i, scale.width, 1);
    }
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
    const target = find("storm-facts");
    target.replaceChildren();
    for (const [name, text] of facts) {
      const term = document.createElement("dt");
      const description = document.createElement("dd");
      term.textContent = name;
      description.textContent = text;
      target.append(term, description);
    }
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
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    picture.setAttribute("viewBox", "0 0 320 74");
    picture.setAttribute("role", "img");
    const at = (probability) => 12 + 296 * probability;
    const add = (kind, attributes, text) => {
      const shape = document.createElementNS(space, kind);
      for (const [name, content] of Object.entries(attributes)) shape.setAttribute(name, content);
      if (text) shape.textContent = text;
      picture.append(shape);
    };
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
    drawField();
    drawDistributions();
    showFacts();
    describeAttribution();
  }

  const controls = find("storm-fields");
  const addControl = (type, text, checked, act) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = type;
    input.name = type === "radio" ? "storm-field" : text;
    input.checked = checked;
    input.addEventListener("change", () => {
      act(input.checked);
      drawScale();
      show(state.storm);
    });
    label.append(input, ` ${text}`);
    controls.append(label);
    return input;
  };
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
