/** Just enough of a Mapbox Vector Tile writer to give the page lines to draw. */

const EXTENT = 4096;

function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

const zigzag = (value) => (value << 1) ^ (value >> 31);
const number = (field, value) => [...varint(field << 3), ...varint(value)];
const block = (field, bytes) => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
const text = (field, value) => block(field, [...new TextEncoder().encode(value)]);

/** Position on the tile (z, x, y), in its units. */
export function project([longitude, latitude], z, x, y) {
  const sin = Math.sin((latitude * Math.PI) / 180);
  const scale = 2 ** z;
  const column = ((longitude + 180) / 360) * scale - x;
  const row = (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * scale - y;
  return [Math.round(column * EXTENT), Math.round(row * EXTENT)];
}

/** A tile with one layer of lines, to which others can be appended: `[{ line: [[x, y], ...], properties }]`, positions in tile units. */
export function encodeLines(layer, features) {
  const keys = [];
  const values = [];
  const index = (list, item) => {
    const at = list.indexOf(item);
    return at < 0 ? list.push(item) - 1 : at;
  };
  const encoded = features.map(({ line, properties }) => {
    const tags = Object.entries(properties).flatMap(([key, value]) => [
      ...varint(index(keys, key)),
      ...varint(index(values, value)),
    ]);
    const commands = [];
    let [px, py] = [0, 0];
    line.forEach(([x, y], at) => {
      if (at === 0) commands.push(...varint((1 << 3) | 1));
      if (at === 1) commands.push(...varint(((line.length - 1) << 3) | 2));
      commands.push(...varint(zigzag(x - px)), ...varint(zigzag(y - py)));
      [px, py] = [x, y];
    });
    return block(2, [...block(2, tags), ...number(3, 2), ...block(4, commands)]);
  });
  const valueBytes = (value) => (typeof value === "string" ? text(1, value) : number(5, value));
  const body = [
    ...number(15, 2),
    ...text(1, layer),
    ...encoded.flat(),
    ...keys.flatMap((key) => text(3, key)),
    ...values.flatMap((value) => block(4, valueBytes(value))),
    ...number(5, EXTENT),
  ];
  return Buffer.from(block(3, body));
}
