// Papa's build for browsers: the same parser, without the `require('stream')` that a portable bundle cannot resolve.
declare module 'papaparse/papaparse.min.js' {
  import * as Papa from 'papaparse';
  export default Papa;
}
