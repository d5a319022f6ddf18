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

  // An answer that is an error changes nothing on the page, so the address stays too.
  document.addEventListener('htmx:beforeHistoryUpdate', (e) => {
    if (e.detail.failed) {
      Object.assign(e.detail.history, { type: 'replace', path: location.pathname + location.search })
    }
  })

  // Screen readers are told what a swap brought: the region says it in data-say. Where the link that was used is
  // gone, the region takes the focus, so the keyboard goes on from there.
  document.addEventListener('htmx:afterSettle', (e) => {
    const region = document.getElementById(e.detail.target?.id)
    const said = document.getElementById('said')
    if (!said || !region?.dataset.say) return
    said.textContent = region.dataset.say
    if (document.activeElement === document.body) region.focus({ preventScroll: true })
  })

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
