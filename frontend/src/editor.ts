// What the editors of flows and of decisions have in common.
export const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
export const token = document.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")!.value;
export const post = (to: string, body: object): Promise<Response> =>
  fetch(to, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(body) });
export { unsaved } from "./unsaved";
