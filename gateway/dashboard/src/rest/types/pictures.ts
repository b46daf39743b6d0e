// Process pictures: a template as the gateway tells it.

export type BindKind = "value" | "level" | "state" | "flow" | "position" | "show" | "card";

export interface TemplateRole {
  label: string;
  unit?: string;
  digits?: number;
  required?: boolean;
  states?: Record<string, string>;
}

export interface TemplateBinding {
  el: string;
  as: BindKind;
  role?: string;
  card?: string;
  /** Of level: the side that the value is measured from; bottom when not given. */
  from?: "bottom" | "top";
  /** Of flow: seen while the value is above it, in the role's unit; 0 when not given. */
  above?: number;
  /** Of state: the values in which it runs; ["1"] when not given. */
  run?: string[];
  /** Of show: the values in which it is seen. */
  states?: string[];
}

/** GET /api/scada/templates/{name} */
export interface Template {
  template: string;
  version: number;
  title: string;
  picture: string;
  views: Record<string, [number, number, number, number]>;
  roles: Record<string, TemplateRole>;
  bind: TemplateBinding[];
  svg: string;
}

export interface TemplatesAnswer {
  asOf: string;
  templates: { template: string; version: number; title: string }[];
}
