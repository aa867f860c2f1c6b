const sdk = require('@sotto/sdk')
const { useMessages } = require('@sotto/react')
const { chat } = require('./chat.js')

const { SOTTO_URL: url, SOTTO_TOKEN: token } = process.env
chat(sdk, { url, token, text: 'from require' }).then((code) => {
  console.log(JSON.stringify({ code, hook: typeof useMessages }))
})
