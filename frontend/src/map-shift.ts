// GCJ-02 (火星坐标): tiles that are in it are drawn where they belong. The shift is that of lib/gcj02.py.
const AXIS = 6378245.0, SQUARED = 0.00669342162296594323, { PI, sin, cos, sqrt, abs } = Math;
type Place = [longitude: number, latitude: number];

function shifted([longitude, latitude]: Place): Place {
  if (longitude < 72.004 || longitude > 137.8347 || latitude < 0.8293 || latitude > 55.8271) return [longitude, latitude];
  const x = longitude - 105, y = latitude - 35, turn = (latitude * PI) / 180, flat = 1 - SQUARED * sin(turn) ** 2;
  const waves = ((20 * sin(6 * PI * x) + 20 * sin(2 * PI * x)) * 2) / 3;
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves
    + ((20 * sin(PI * y) + 40 * sin((PI * y) / 3)) * 2) / 3 + ((160 * sin((PI * y) / 12) + 320 * sin((PI * y) / 30)) * 2) / 3;
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves
    + ((20 * sin(PI * x) + 40 * sin((PI * x) / 3)) * 2) / 3 + ((150 * sin((PI * x) / 12) + 300 * sin((PI * x) / 30)) * 2) / 3;
  return [
    longitude + (east / ((AXIS / sqrt(flat)) * cos(turn))) * (180 / PI),
    latitude + (north / ((AXIS * (1 - SQUARED)) / flat ** 1.5)) * (180 / PI),
  ];
}

// Places in units of a zoom's tiles, and back.
const across = (longitude: number, wide: number): number => ((longitude + 180) / 360) * wide;
const along = (latitude: number, wide: number): number => ((1 - Math.asinh(Math.tan((latitude * PI) / 180)) / PI) / 2) * wide;
const back = (x: number, y: number, wide: number): Place => [(x / wide) * 360 - 180, (Math.atan(Math.sinh(PI * (1 - (2 * y) / wide))) * 180) / PI];

export type Picture = (z: number, x: number, y: number) => Promise<ImageBitmap | null>;
const BLOCKS = 4; // a side: within a block the shift is one to a third of a pixel

/** The tile of WGS 84 put together from those of GCJ-02 that cover it. */
export async function moved(picture: Picture, z: number, x: number, y: number, size: number): Promise<ImageBitmap> {
  const wide = 2 ** z, canvas = new OffscreenCanvas(size, size), pen = canvas.getContext("2d");
  if (!pen) throw new Error("no canvas");
  const step = size / BLOCKS, jobs: Promise<void>[] = [];
  for (let column = 0; column < BLOCKS; column += 1)
    for (let row = 0; row < BLOCKS; row += 1) {
      const middle = [x + (column + 0.5) / BLOCKS, y + (row + 0.5) / BLOCKS];
      const [longitude, latitude] = shifted(back(middle[0], middle[1], wide));
      const right = Math.round((across(longitude, wide) - middle[0]) * size), down = Math.round((along(latitude, wide) - middle[1]) * size);
      const first = [Math.floor((column * step + right) / size), Math.floor((row * step + down) / size)];
      const last = [Math.floor(((column + 1) * step + right - 1) / size), Math.floor(((row + 1) * step + down - 1) / size)];
      for (let i = first[0]; i <= last[0]; i += 1)
        for (let j = first[1]; j <= last[1]; j += 1)
          jobs.push(picture(z, x + i, y + j).then((found) => {
            if (!found) return;
            pen.save();
            pen.beginPath();
            pen.rect(column * step, row * step, step, step);
            pen.clip();
            pen.drawImage(found, i * size - right, j * size - down, size, size);
            pen.restore();
          }));
    }
  await Promise.all(jobs);
  return canvas.transferToImageBitmap();
}
