def page(entries, root="/"):
    return "<!doctype html><title>g</title><a href='voila/render/demo.ipynb'>demo</a>"
