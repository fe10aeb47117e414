(() => {
  // Counts up the ages of results (dashboard/panels/rendering.py), in the words of formats.age.
  const two = number => String(number).padStart(2, "0");
  const age = seconds => {
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < 60) return `${whole} s`;
    if (whole < 600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min`;
    return whole < 86400 ? `${(whole / 3600).toFixed(1)} h` : `${(whole / 86400).toFixed(1)} days`;
  };
  // Since when, by this browser's own clock: it may be wrong, and the server told the age.
  const began = new WeakMap();
  setInterval(() => {
    for (const shown of document.querySelectorAll("time.skytier-age")) {
      if (!began.has(shown)) began.set(shown, performance.now() - 1000 * shown.dataset.seconds);
      const seconds = (performance.now() - began.get(shown)) / 1000;
      const isOld = seconds > shown.dataset.limit;
      const words = isOld ? `▲ ${age(seconds)} old` : age(seconds);
      if (shown.textContent !== words) shown.textContent = words;
      shown.classList.toggle("skytier-old", isOld);
    }
  }, 1000);
  // The buttons of a panel's menu (dashboard/panels/rendering.py). Full screen is that of Streamlit's chart or table.
  const panel = key => document.querySelector(`.st-key-panel-${key}`);
  const FULL = ".modebar-btn[data-title=Fullscreen], [data-testid=stElementToolbarButton] [aria-label^=Fullscreen]";
  document.addEventListener("click", event => {
    const button = event.target.closest?.(".skytier-actions button");
    if (button?.dataset.full) panel(button.dataset.full)?.querySelector(FULL)?.click();
    if (!button?.dataset.link) return;
    const link = new URL(location.href);
    link.hash = `panel-${button.dataset.link}`;
    history.replaceState(history.state, "", link);  // also where this browser keeps the clipboard from pages
    navigator.clipboard?.writeText(link.href).then(() => { button.textContent = button.dataset.done; }, () => {});
  });
  // A link to a panel shows it once it has its content.
  const PATIENCE_MS = 20_000;
  const linked = location.hash.match(/^#panel-([\w-]+)$/)?.[1];
  const looking = linked && setInterval(() => {
    const found = panel(linked);
    if (!found?.querySelector("time.skytier-age")) return;
    clearInterval(looking);
    found.scrollIntoView({block: "center"});
  }, 250);
  if (looking) setTimeout(() => clearInterval(looking), PATIENCE_MS);
  // On a phone the sidebar covers the page: it closes once a page is chosen.
  const PHONE_PIXELS = 768;
  document.addEventListener("click", event => {
    const link = event.target.closest?.("[data-testid=stSidebarNavLink]");
    if (link && innerWidth <= PHONE_PIXELS) {
      setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click(), 100);
    }
  });
})();
