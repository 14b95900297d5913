"use strict";

// Numbers as texts, and pictures of the field of a storm. No-break spaces keep a number and its unit on one line.

function percent(probability) {
  return `${(100 * probability).toFixed(probability < 0.0995 ? 1 : 0)}\u00a0%`;
}

// Return a count with commas; Intl takes tens of milliseconds to load.
function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

// Return a latitude (sides "NS") or a longitude (sides "EW").
function side(angle, sides) {
  return `${Math.abs(angle).toFixed(2)}° ${sides[angle < 0 ? 1 : 0]}`;
}

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// Return a function that tells whether a grid point is inside the storm whose mask begins at bit `start`. Masks have one bit
// per grid point, the first in the highest bit of a byte.
function maskAt(masks, start, height, width) {
  return (row, column) => {
    if (row < 0 || row >= height || column < 0 || column >= width) return false;
    const place = start + row * width + column;
    return ((masks[place >> 3] >> (7 - (place & 7))) & 1) === 1;
  };
}

// Add a button of the choice of fields, or a box to tick, and return it; `act` is told whether it is checked.
function addFieldControl(controls, type, text, checked, act) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = type;
  input.name = type === "radio" ? "storm-field" : text;
  input.checked = checked;
  input.addEventListener("change", () => act(input.checked));
  label.append(input, ` ${text}`);
  controls.append(label);
  return input;
}

// Draw a field with north at the top. `values` are its bytes in the order row, column, the first row being the southernmost;
// `palette` has the red, green and blue of each byte. Optional: `wind` (row, column) gives the components along x and y in
// m/s, `inside` is that of `maskAt`, `attribution` has signed bytes in the same order, and `spacing` is that of the grid in km.
function drawField(canvas, { height, width, values, palette, wind, inside, attribution, spacing }) {
  const image = new ImageData(width, height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const pixel = 4 * ((height - 1 - row) * width + column);
      const color = 3 * values[row * width + column];
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
  if (wind) drawArrows(canvas, height, width, wind);
  if (inside) drawOutline(canvas, height, width, inside);
  if (attribution) drawAttribution(canvas, height, width, attribution);
  if (spacing > 0) drawLength(canvas, width * spacing);
}

// A bar of 1, 2 or 5 times a power of ten kilometers, at most a third of the width.
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return power * [5, 2, 1].find((times) => times * power <= most);
}

function drawLength(canvas, across) {
  const context = canvas.getContext("2d");
  const length = roundLength(across / 3);
  const long = (canvas.width * length) / across;
  const [left, bottom] = [16, canvas.height - 16];
  context.fillStyle = "rgba(255, 255, 255, 0.85)";
  context.fillRect(left - 10, bottom - 36, Math.max(long, 90) + 20, 46);
  context.fillStyle = "#000000";
  context.fillRect(left, bottom - 6, long, 6);
  context.font = "22px sans-serif";
  context.fillText(`${length}\u00a0km`, left, bottom - 12);
}

function drawOutline(canvas, height, width, inside) {
  const context = canvas.getContext("2d");
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

// Smallest size of a signed byte of an attribution that is drawn.
const LEAST_DRAWN = 6;

// The area of a symbol is proportional to the attribution: discs if it is positive, rings if it is negative.
function drawAttribution(canvas, height, width, attribution) {
  const context = canvas.getContext("2d");
  const cell = canvas.width / width;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const part = attribution[row * width + column] / 127;
      if (Math.abs(attribution[row * width + column]) < LEAST_DRAWN) continue;
      const radius = 0.48 * cell * Math.sqrt(Math.abs(part));
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

function drawArrows(canvas, height, width, wind) {
  const context = canvas.getContext("2d");
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
        const [along, across] = wind(row, column);
        const [east, south] = [meter * along, -meter * across];
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

// Draw the colors of a field from its lowest value at the bottom to its highest.
function drawPalette(canvas, palette) {
  const context = canvas.getContext("2d");
  for (let i = 0; i < 256; i += 1) {
    context.fillStyle = `rgb(${palette[3 * i]}, ${palette[3 * i + 1]}, ${palette[3 * i + 2]})`;
    context.fillRect(0, 255 - i, canvas.width, 1);
  }
}

// Return an element of an SVG picture.
function shape(kind, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, content] of Object.entries(attributes)) element.setAttribute(name, content);
  if (text) element.textContent = text;
  return element;
}

// Replace the content of a definition list.
function describe(list, facts) {
  list.replaceChildren();
  for (const [name, text] of facts) {
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = name;
    description.textContent = text;
    list.append(term, description);
  }
}

// Add an element to an SVG picture, or a picture to the page.
function add(parent, kind, attributes, text) {
  const element = shape(kind, attributes, text);
  parent.append(element);
  return element;
}
