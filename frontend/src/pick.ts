// A place chosen on the map: a dialog with the map's own page, which tells the place that was tapped.
const PAGE = "/map/place";

/** A place as it stands in a form, in degrees. */
export const placeText = (longitude: number, latitude: number): string => `${longitude.toFixed(6)}, ${latitude.toFixed(6)}`;

/** "longitude, latitude" of what is chosen, nothing where the dialog is closed; `at` is the place so far, `title` names the frame. */
export function pick(at: string, title: string): Promise<string | undefined> {
  const dialog = document.createElement("dialog"), frame = document.createElement("iframe");
  dialog.className = "pick";
  frame.src = `${PAGE}?${new URLSearchParams({ at })}`;
  frame.title = title;
  frame.allow = "geolocation";
  dialog.append(frame);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let place: string | undefined;
    const hear = ({ source, origin, data }: MessageEvent<{ place?: string }>): void => {
      if (source !== frame.contentWindow || origin !== location.origin) return;
      place = data.place;
      dialog.close();
    };
    addEventListener("message", hear);
    dialog.addEventListener("close", () => {
      removeEventListener("message", hear);
      dialog.remove();
      resolve(place);
    });
  });
}
