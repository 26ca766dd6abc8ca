// Words of an editor in the language of the page: its own, and those of a panel of ours.
const isChinese = (language: string): boolean => language === "zh";
export const ownOf = (words: Record<string, [string, string]>) => (language: string) => (key: string): string =>
  words[key]?.[isChinese(language) ? 0 : 1] ?? key;
export const translationOf = (zh: Record<string, string>) => (language: string) =>
  (template: string, given: Record<string, string> = {}): string => {
    const text = isChinese(language) ? zh[template] ?? template : template;
    return text.replace(/{([^}]+)}/g, (_, key: string) => given[key] ?? `{${key}}`);
  };
