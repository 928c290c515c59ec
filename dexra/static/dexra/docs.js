/* Guides: tabs, samples with the reader's own credentials, and which section is being read. */
"use strict"

const PLACEHOLDERS = { inbox: "YOUR_INBOX_IDENTIFIER", key: "YOUR_SECRET_KEY" }

function fillSamples({ target }) {
  const value = target.value.trim().replace(/[^\w-]/g, "") || PLACEHOLDERS[target.name]
  for (const place of document.querySelectorAll(`[data-fill="${target.name}"]`)) place.textContent = value
}

function makeTabs(group) {
  const list = document.createElement("div")
  list.className = "tablist"
  list.setAttribute("role", "tablist")
  const panels = [...group.querySelectorAll("[data-tab]")]
  const tabs = panels.map((panel) => {
    const tab = document.createElement("button")
    tab.type = "button"
    tab.textContent = panel.dataset.tab
    tab.setAttribute("role", "tab")
    panel.setAttribute("role", "tabpanel")
    tab.addEventListener("click", () => select(tab))
    return tab
  })
  function select(chosen) {
    tabs.forEach((tab, index) => {
      const isChosen = tab === chosen
      tab.setAttribute("aria-selected", String(isChosen))
      tab.tabIndex = isChosen ? 0 : -1
      panels[index].hidden = !isChosen
    })
  }
  list.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key]
    if (!step) return
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length]
    next.focus()
    select(next)
  })
  list.append(...tabs)
  group.prepend(list)
  group.classList.add("ready")
  select(tabs[0])
}

function markSection(links) {
  const passed = links.filter(({ section }) => section.getBoundingClientRect().top < innerHeight / 3)
  const current = passed.at(-1) ?? links[0]
  for (const { link } of links) link.toggleAttribute("aria-current", link === current.link)
}

document.querySelectorAll("[data-tabs]").forEach(makeTabs)
document.querySelector(".fill")?.addEventListener("input", fillSamples)

const links = [...document.querySelectorAll(".contents a")].map((link) => ({
  link,
  section: document.querySelector(link.hash),
}))
addEventListener("scroll", () => markSection(links), { passive: true })
markSection(links)
