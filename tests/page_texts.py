"""The size and the contrast of the texts of a page, as a browser shows them."""

# Return the size of every visible text and its contrast with the background, by the formula of
# WCAG 2.2. Pictures are left out, because they have their own colors.
READ_TEXTS = """() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (values) => {
    const [red, green, blue] = values.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const blended = (color, below) => {
    const [red, green, blue, opacity = 1] = parts(color);
    return [red, green, blue].map((value, i) => opacity * value + (1 - opacity) * below[i]);
  };
  const behind = (element) => element
    ? blended(getComputedStyle(element).backgroundColor, behind(element.parentElement))
    : [255, 255, 255];
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const text = walk.currentNode.textContent.trim();
    if (!text || element.closest("script, style, noscript, svg")) continue;
    if (!element.checkVisibility({ opacityProperty: true })) continue;
    const style = getComputedStyle(element);
    const background = behind(element);
    const seen = blended(style.color, background);
    const [light, dark] = [seen, background].map(luminance).sort((a, b) => b - a);
    found.push({
      text,
      size: parseFloat(style.fontSize),
      contrast: (light + 0.05) / (dark + 0.05),
    });
  }
  return found;
}"""
