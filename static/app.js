// What htmx does not do by itself. Every page works without this file.
(() => {
  'use strict'

  const problem = () => document.getElementById('problem')

  function clearProblem() {
    problem()?.replaceChildren()
  }

  function showProblem(text) {
    const note = document.createElement('div')
    note.className = 'note bad'
    note.setAttribute('role', 'alert')
    const p = document.createElement('p')
    p.textContent = text
    note.append(p)
    problem()?.replaceChildren(note)
  }

  function noAnswer() {
    showProblem('The portal did not answer. Check your connection and try again.')
  }

  document.addEventListener('htmx:beforeRequest', clearProblem)
  document.addEventListener('htmx:sendError', noAnswer)
  document.addEventListener('htmx:timeout', noAnswer)

  // Something between the portal and the browser may answer with a page of its own: that is not put into ours.
  document.addEventListener('htmx:beforeSwap', (e) => {
    const { isError, serverResponse, xhr } = e.detail
    if (!isError || serverResponse.trimStart().startsWith('<div class="note')) return
    e.detail.shouldSwap = false
    showProblem(`That did not work (status ${xhr.status}). Try again in a minute.`)
  })

  // What is left empty in a form stays out of the address.
  document.addEventListener('htmx:configRequest', ({ detail }) => {
    if (detail.verb !== 'get') return
    for (const [name, value] of [...detail.formData]) {
      if (value === '') detail.formData.delete(name)
    }
  })

  // An answer that is an error changes nothing on the page, so the address stays too.
  document.addEventListener('htmx:beforeHistoryUpdate', (e) => {
    if (e.detail.failed) {
      Object.assign(e.detail.history, { type: 'replace', path: location.pathname + location.search })
    }
  })

  // Screen readers are told what a swap brought: the region says it in data-say. One that asks for itself speaks only of
  // what is new. Where the link that was used is gone, the region takes the focus, so the keyboard goes on from there.
  let before = {}
  document.addEventListener('htmx:beforeSwap', ({ detail: { target } }) => {
    before = { say: target.dataset.say, focused: target.contains(document.activeElement) }
  })
  document.addEventListener('htmx:afterSettle', ({ detail }) => {
    const region = document.getElementById(detail.target?.id)
    const said = document.getElementById('said')
    if (!said || region?.dataset.say === undefined) return
    const byItself = detail.requestConfig.elt.id === region.id
    if (!byItself || region.dataset.say !== before.say) said.textContent = region.dataset.say
    if (before.focused && document.activeElement === document.body) region.focus({ preventScroll: true })
  })

  // A region that asks for itself leaves everything as the reader has it: what is opened stays open, what is scrolled stays
  // there. Things are known by their ids; the focus htmx keeps by itself.
  let left = { open: [], scrolled: [] }
  document.addEventListener('htmx:beforeSwap', ({ detail: { target, requestConfig } }) => {
    const own = requestConfig.elt === target ? [...target.querySelectorAll('[id]')] : []
    left = {
      open: own.filter((e) => e.open).map((e) => e.id),
      scrolled: own.filter((e) => e.scrollLeft).map((e) => [e.id, e.scrollLeft]),
    }
  })
  document.addEventListener('htmx:afterSwap', () => {
    for (const id of left.open) document.getElementById(id)?.setAttribute('open', '')
    for (const [id, x] of left.scrolled) document.getElementById(id)?.scrollTo(x, 0)
    left = { open: [], scrolled: [] }
  })

  // While a region is fetched it says so, unless it asks for itself; after a while its rows turn into blanks (app.css). An
  // answer that is an error aims elsewhere: what was asked for is no longer busy all the same.
  document.addEventListener('htmx:beforeRequest', ({ detail: { elt, requestConfig: { target } } }) => {
    if (elt !== target) target.setAttribute('aria-busy', 'true')
  })
  document.addEventListener('htmx:afterRequest', (e) => e.detail.requestConfig.target.removeAttribute('aria-busy'))

  // Times of today go on while the page stands: "12 min ago" becomes "13 min ago". What is older changes too seldom.
  const asOf = Date.parse(document.querySelector('body > footer time')?.dateTime)
  const opened = performance.now()

  function since(minutes) {
    if (minutes < 1) return 'just now'
    return minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`
  }

  function tick() {
    const now = asOf + performance.now() - opened
    for (const time of document.querySelectorAll('time[data-ago]')) {
      const minutes = Math.floor((now - Date.parse(time.dateTime)) / 60000)
      if (minutes < 0 || minutes >= 20 * 60) continue
      const text = since(minutes)
      const number = time.firstChild
      if (time.childElementCount === 0 && time.textContent.trim() !== text) number.data = text
    }
  }

  if (asOf) setInterval(tick, 15000)

  // The keyboard: / goes to the search, the arrows from row to row of a list.
  function toSearch(e) {
    const field = document.querySelector('main input[type=search]')
    if (e.key !== '/' || !field || e.ctrlKey || e.metaKey || e.altKey) return
    if (e.target.closest('input, select, textarea, [contenteditable]')) return
    e.preventDefault()
    field.focus()
    field.select()
  }

  function toNextRow(e) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key]
    const table = step && e.target.closest('tbody th a')?.closest('table')
    if (!table) return
    const links = [...table.querySelectorAll('tbody th a')]
    const next = links[links.indexOf(e.target) + step]
    if (!next) return
    e.preventDefault()
    next.focus()
  }

  document.addEventListener('keydown', toSearch)
  document.addEventListener('keydown', toNextRow)

  for (const button of document.querySelectorAll('[data-print]')) {
    button.hidden = false
    button.addEventListener('click', () => print())
  }

  // The slider and the number of the rollout are one value, and moving either means that it is not off. htmx hears of it
  // when this is done.
  const share = document.getElementById('share')
  const percent = document.getElementById('percent')

  function keepInStep(from, to) {
    to.value = from.value
    document.getElementById('off').checked = false
  }

  share?.addEventListener('input', () => keepInStep(share, percent))
  percent?.addEventListener('input', () => keepInStep(percent, share))

  function closeMenus(except) {
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      if (menu !== except) menu.open = false
    }
  }

  document.addEventListener('click', (e) => closeMenus(e.target.closest('details.menu')))
  document.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape') return
    const menu = document.querySelector('details.menu[open]')
    if (!menu) return
    closeMenus()
    menu.querySelector('summary').focus()
  })
})()
