// When and where a photo was taken, as its EXIF tells.
import ExifReader from "exifreader"; // reads EXIF of JPEG, PNG, WebP and HEIC of all makers of phones
import { stamp, type Place } from "./field-store";

export interface Facts { taken_at?: string; place?: Place }

/** What a photo says of itself. */
export function facts(bytes: ArrayBuffer): Facts {
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
