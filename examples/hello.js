// A function: takes an event, returns a result. Logs go to standard error.
exports.handler = async (event, context) => {
  console.log(`${context.functionName} was called on`, process.version);
  return { greeting: `hello ${event.name || 'stranger'}`, host: require('os').hostname() };
};
