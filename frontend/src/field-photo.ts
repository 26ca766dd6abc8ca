// A photo as it is kept on the phone: made smaller, with the time and the place of its EXIF beside it.
import { by, position, say, toast } from "./field-dom";
import { db, stamp, uuid7, type Photo, type Place } from "./field-store";
import { facts } from "./photo-facts";
import { smaller } from "./photo-size";

/** Keep a photo on the phone; its id, or nothing where it is no picture or too large. */
async function keep(file: File, limit: number, here: Place | undefined): Promise<string | undefined> {
  const told = facts(await file.arrayBuffer());
  const made = await smaller(file), bytes = await made?.arrayBuffer();
  if (!made || !bytes || !/^image\/(jpeg|png|webp)$/.test(made.type) || bytes.byteLength > limit) return undefined;
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
