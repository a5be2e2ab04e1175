gradcli eval --file nowhere.grad
