// A photo as it is sent: at most 1920 pixels on its longer side, with the time and the place of its EXIF beside it.
import ExifReader from "exifreader"; // reads EXIF of JPEG, PNG, WebP and HEIC of all makers of phones
import { by, position, say, toast } from "./field-dom";
import { db, stamp, uuid7, type Photo, type Place } from "./field-store";

const LONGEST = 1920;
const QUALITY = 0.82;

interface Facts { taken_at?: string; place?: Place }

function facts(bytes: ArrayBuffer): Facts {
  try {
    const { exif, gps } = ExifReader.load(bytes, { expanded: true });
    const at = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(exif?.DateTimeOriginal?.description ?? "");
    const zone = /^[+-]\d\d:\d\d$/.exec(exif?.OffsetTimeOriginal?.description ?? "")?.[0] ?? "";
    const moment = at ? new Date(`${at[1]}-${at[2]}-${at[3]}T${at[4]}${zone}`) : undefined;
    return {
      ...(moment && !Number.isNaN(moment.getTime()) ? { taken_at: stamp(moment) } : {}),
      ...(gps?.Latitude !== undefined && gps.Longitude !== undefined ? { place: { longitude: gps.Longitude, latitude: gps.Latitude } } : {}),
    };
  } catch {
    return {}; // no EXIF, which is no fault
  }
}

async function smaller(file: Blob): Promise<Blob> {
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST / Math.max(image.width, image.height));
  if (scale === 1 && file.size < 600_000 && file.type === "image/jpeg") return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return new Promise((done) => canvas.toBlob((made) => done(made ?? file), "image/jpeg", QUALITY));
}

/** Keep a photo on the phone; its id, or nothing where it is no picture or too large. */
async function keep(file: File, limit: number, here: Place | undefined): Promise<string | undefined> {
  const told = facts(await file.arrayBuffer());
  const made = await smaller(file), bytes = await made.arrayBuffer();
  if (!/^image\/(jpeg|png|webp)$/.test(made.type) || bytes.byteLength > limit) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const place = told.place ?? here;
  const photo: Photo = {
    id: uuid7(), bytes, type: made.type, name: file.name.slice(0, 200), taken_at: told.taken_at ?? stamp(new Date(file.lastModified)),
    sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""), ...(place ? { place } : {}),
  };
  await (await db()).put("photos", photo);
  return photo.id;
}

/** Keep what was chosen, up to `most` photos in all; `ids` tells where the ids go. What is no photo is said. */
export async function keepAll(input: HTMLInputElement, ids: () => string[], most = Infinity): Promise<void> {
  for (const file of [...(input.files ?? [])]) {
    if (ids().length >= most) return toast(say("photosMost", most), "bad");
    const id = await keep(file, Number(by("field").dataset.limit), position());
    if (id) ids().push(id);
    else toast(say("photoRefused", file.name), "bad");
  }
}
