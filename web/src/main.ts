// The page starts here.

import { readData } from "./data";
import { Page } from "./page";

const page = new Page(readData());
page.start();
(globalThis as unknown as { sdpolicyPage: Page }).sdpolicyPage = page;
