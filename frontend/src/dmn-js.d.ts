// dmn-js ships no types: what is used of it.
declare module "dmn-js/lib/*" {
  type Part = any; // an element of the model of dmn-moddle, which is typed by its schema at run time
  type View = { id: string; name?: string; type: string; element: Part };
  export default class Manager {
    constructor(options: Record<string, unknown>);
    importXML(xml: string): Promise<{ warnings: { message: string }[] }>;
    saveXML(options?: { format?: boolean }): Promise<{ xml: string }>;
    getDefinitions(): Part;
    getViews(): View[];
    getActiveView(): View | undefined;
    getActiveViewer(): { get(name: string): Part } | undefined;
    open(view: View): Promise<unknown>;
    destroy(): void;
    on(event: string, told: (event: Part) => void): void;
  }
}
