// Reads out what a loudspeaker will say, by a Chinese voice of this computer: nothing is sent anywhere.
const PAUSES: Record<string, number> = { "，": 0.3, "、": 0.2, "：": 0.3, "；": 0.4, "。": 0.6, "！": 0.6, "？": 0.6 };

function say(text: string, button: HTMLElement): void {
  const voice = speechSynthesis.getVoices().find((one) => one.lang.startsWith("zh") && one.localService);
  if (!voice) { button.replaceWith(button.dataset.textNone ?? ""); return; }
  const words = new SpeechSynthesisUtterance(text);
  words.voice = voice;
  words.lang = "zh-CN";
  words.rate = 0.85;
  speechSynthesis.cancel();
  speechSynthesis.speak(words);
}

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-speak], [data-speak-field]");
  if (!button) return;
  const field = button.dataset.speakField ? (document.getElementById(button.dataset.speakField) as HTMLTextAreaElement) : undefined;
  say(field?.value ?? button.dataset.speak ?? "", button);
});
if ("speechSynthesis" in window) speechSynthesis.getVoices(); // they are loaded when first asked for

const counted = document.querySelector<HTMLElement>("[data-speak-seconds]"), asked = document.querySelector<HTMLElement>("[data-speak-field]");
const heardField = asked ? (document.getElementById(asked.dataset.speakField!) as HTMLTextAreaElement) : undefined;
function count(): void {
  const pace = Number(asked!.dataset.pace);
  counted!.textContent = `${[...heardField!.value].reduce((sum, one) => sum + (PAUSES[one] ?? (/\s/.test(one) ? 0 : 1 / pace)), 0).toFixed(0)}`;
}
if (counted && heardField) { count(); heardField.addEventListener("input", count); }
export {};
