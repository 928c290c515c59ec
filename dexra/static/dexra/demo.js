/* The demo's own script: what a business would write around the chat. */
"use strict"

const TOKEN = document.currentScript.dataset.token
const HEARD = ["ready", "connection", "message", "message_sent", "message_failed", "message_updated",
  "conversation_created", "conversation_updated", "typing", "ai_state", "unread", "user", "reset", "error"]
const MOST_HEARD = 8
const find = (id) => document.getElementById(id)

// What is shown is what runs.
find("demo-snippet").textContent = (find("seed")?.textContent ?? "").trim()

async function signedToken() {
  const response = await fetch(TOKEN)
  if (!response.ok) throw new Error(`The demo's server answered ${response.status}.`)
  return (await response.json()).token
}

function said(what) {
  if (what === null || typeof what !== "object") return String(what)
  return what.text || what.message || what.status || what.name || what.state || what.id || ""
}

function note(name, what) {
  const line = document.createElement("li")
  const [event, text] = [document.createElement("b"), document.createElement("span")]
  event.textContent = name
  text.textContent = said(what)
  line.append(event, text)
  const list = find("heard")
  list.querySelector(".quiet")?.remove()
  list.prepend(line)
  while (list.children.length > MOST_HEARD) list.lastElementChild.remove()
  const talk = what?.conversation_id ?? (name.startsWith("conversation_") ? what?.id : null)
  if (talk?.startsWith("conv_")) find("talk").textContent = talk
}

function remember(name, value) {
  const address = new URL(location.href)
  address.searchParams.set(name, value)
  history.replaceState(null, "", address)
}

function obey(form) {
  form.addEventListener("change", ({ target }) => {
    remember(target.name, target.value)
    if (target.name === "view") location.reload()
    if (target.name === "locale") window.dexra.setLocale(target.value)
    if (target.name === "theme") window.dexra.setTheme(target.value)
    document.querySelector("dexra-chat")?.setAttribute(target.name, target.value)
  })
}

function show(user) {
  const name = user?.first_name || (user?.external_id ? user.name : "")
  find("sign-in").hidden = Boolean(user?.verified)
  find("sign-out").hidden = !user?.verified
  find("who").textContent = user?.verified
    ? `You are signed in as ${name}; your server vouched for it.`
    : name ? `You say that you are ${name}; nobody has vouched for it.` : "You are an anonymous visitor."
}

// A button that waits cannot be pressed again, and what went wrong is said.
function press(id, act) {
  find(id).addEventListener("click", async ({ currentTarget: button }) => {
    button.disabled = true
    try {
      await act()
    } catch (error) {
      find("who").textContent = error.message
    } finally {
      button.disabled = false
    }
  })
}

function start() {
  for (const name of HEARD) window.dexra.on(name, (what) => note(name, what))
  window.dexra.on("ready", ({ user }) => show(user))
  window.dexra.on("user", show)
  press("sign-in", () => window.dexra.identify({ token: signedToken }))
  press("sign-out", () => window.dexra.reset())
  obey(document.querySelector(".controls"))
}

async function explain(script) {
  const place = find("not-loaded")
  const reason = await fetch(script.src).then((response) => response.text(), () => "")
  place.textContent = reason || "The chat's script could not be loaded."
  place.hidden = false
}

const script = find("sbinit")
if (window.dexra) start()
else script?.addEventListener("load", start, { once: true })
script?.addEventListener("error", () => explain(script), { once: true })
