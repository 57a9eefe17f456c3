// What is copied can be pasted: of commands the commands alone, without the prompt and without what they print; of a
// program all its lines, the hidden ones as well. Where the browser gives a page no clipboard, mdBook's own way is left.
(() => {
  "use strict";

  const PROMPT = "$ ";

  const pasteable = (code) => {
    const lines = code.textContent.trimEnd().split("\n");
    const commands = code.matches(".language-console") ? lines.filter((line) => line.startsWith(PROMPT)) : [];
    return `${(commands.length > 0 ? commands.map((line) => line.slice(PROMPT.length)) : lines).join("\n")}\n`;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".clip-button");
    const code = button?.closest("pre")?.querySelector("code");
    if (!code || !navigator.clipboard) return;
    event.stopImmediatePropagation();
    const say = (text) => {
      button.firstElementChild.textContent = text;
      button.className = "clip-button tooltipped"; // mdBook takes it away when the mouse leaves
    };
    navigator.clipboard.writeText(pasteable(code)).then(() => say("Kopiert"), () => say("Die Zwischenablage ist gesperrt"));
  }, true);
})();
