// A transform of a CommonJS module, for worker threads.
class Double {
  apply(image) {
    return image.mul(2);
  }

  recipe() {
    return { module: __filename, name: 'Double', arguments: [] };
  }
}

module.exports = { Double };
