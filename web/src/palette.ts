// Colours after Okabe & Ito (2008), told apart by colour-blind readers; text variants have contrast of 4.5 and more.

export interface Palette {
  back: string;
  panel: string;
  ink: string;
  soft: string;
  grid: string;
  phase: string;
  now: string;
  nowText: string;
  ghost: string;
  base: string;
  yours: string;
  yoursText: string;
  plus: string;
  plusText: string;
  minus: string;
  minusText: string;
  series: string[];
  seriesText: string[];
}

export const LIGHT: Palette = {
  back: "#ffffff",
  panel: "#f3f5f7",
  ink: "#16202a",
  soft: "#4b5763",
  grid: "#d5dbe1",
  phase: "#eaf1f6",
  now: "#0072b2",
  nowText: "#005f96",
  ghost: "#56b4e9",
  base: "#75808a",
  yours: "#cc79a7",
  yoursText: "#96356c",
  plus: "#0072b2",
  plusText: "#005f96",
  minus: "#d55e00",
  minusText: "#a84a00",
  series: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a8f00"],
  seriesText: ["#005f96", "#a84a00", "#00694c", "#96356c", "#7d5600", "#1f6a97", "#000000", "#5f6300"],
};

export const DARK: Palette = {
  back: "#0f151b",
  panel: "#1a232c",
  ink: "#f2f5f7",
  soft: "#b9c4ce",
  grid: "#33404c",
  phase: "#17222c",
  now: "#56b4e9",
  nowText: "#7cc6f0",
  ghost: "#2f7fae",
  base: "#98a4af",
  yours: "#e79cc4",
  yoursText: "#f0b4d3",
  plus: "#56b4e9",
  plusText: "#7cc6f0",
  minus: "#f0883e",
  minusText: "#f7a468",
  series: ["#56b4e9", "#f0883e", "#2fc79a", "#e79cc4", "#e69f00", "#a8d8f5", "#ffffff", "#d8d14a"],
  seriesText: ["#7cc6f0", "#f7a468", "#4fd9b0", "#f0b4d3", "#f0b840", "#c0e3f8", "#ffffff", "#e3dd70"],
};
