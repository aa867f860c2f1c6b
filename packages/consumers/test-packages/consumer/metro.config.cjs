const path = require('node:path')

/** Metro is not installed in this project. */
const runtime = process.env.METRO_RUNTIME

// As React Native 0.76 configures it, without its Babel preset: `exports` are ignored.
module.exports = {
  projectRoot: __dirname,
  watchFolders: [runtime],
  resolver: {
    unstable_enablePackageExports: false,
    resolverMainFields: ['react-native', 'browser', 'main'],
    useWatchman: false,
  },
  transformer: {
    asyncRequireModulePath: path.join(runtime, 'src/modules/asyncRequire.js'),
    getTransformOptions: async () => ({ transform: { experimentalImportSupport: true } }),
  },
  cacheStores: [],
}
