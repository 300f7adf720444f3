import { createConnection, takeToken } from './connection.ts'
import { el } from './dom.ts'
import { createPage } from './page.ts'
import { allowOwnStyles } from './strict-styles.ts'
import { chooseLanguage, languages } from './texts.ts'

allowOwnStyles()
const language = chooseLanguage(localStorage.getItem('language'), navigator.languages)
document.documentElement.lang = language
const texts = languages[language]
const token = takeToken()
if (token === null) document.body.replaceChildren(el('p', { class: 'alone' }, texts.noToken))
else createPage(createConnection(token), { language, texts })
// The address of another `web` was opened in this tab.
addEventListener('hashchange', () => location.reload())
