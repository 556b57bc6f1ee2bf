// Opens a page of `ticketing report --html` in Chromium as its reader does: nothing is asked of anybody, nothing is complained
// about, the charts are there, and what others named stays text. Leaves a picture.
//
//     page.mjs CHROMIUM PAGE.html PICTURE.png

import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

const [program, page, picture] = process.argv.slice(2);
const own = pathToFileURL(page).href;
const faults = [];

const browser = await chromium.launch({
    executablePath: program,
    // Without them Chromium itself asks for updates. Without a sandbox, since the tests may run as root; the page is our own.
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
    const tab = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    tab.on("console", (message) => faults.push(`console: ${message.text()}`));
    tab.on("pageerror", (error) => faults.push(`error: ${error}`));
    tab.on("request", (request) => {
        if (request.url() !== own && !request.url().startsWith("data:")) faults.push(`request: ${request.url()}`);
    });
    tab.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); return dialog.dismiss(); });
    await tab.goto(own, { waitUntil: "load" });
    const found = await tab.evaluate(() => ({
        heading: document.querySelector("h1")?.textContent,
        tiles: document.querySelectorAll(".tile").length,
        // Drawn, not only there.
        charts: [...document.querySelectorAll("figure svg")].filter((svg) => svg.getBoundingClientRect().height > 50).length,
        rows: document.querySelectorAll("tbody tr").length,
        scripts: document.scripts.length,
        named: document.body.textContent.includes("<img src=x onerror=alert(1)>"),
        wide: document.documentElement.scrollWidth > innerWidth,
    }));
    await tab.screenshot({ path: picture, fullPage: true });
    if (!found.heading?.startsWith("Support report") || found.tiles < 8 || found.charts < 6 || found.rows < 1) faults.push(`too little: ${JSON.stringify(found)}`);
    if (found.scripts || !found.named || found.wide) faults.push(`not as it should be: ${JSON.stringify(found)}`);
} finally {
    await browser.close();
}
if (faults.length) {
    console.error(faults.join("\n"));
    process.exit(1);
}
console.log(`page: opened in Chromium without a word and without a request, drawn in ${picture}`);
