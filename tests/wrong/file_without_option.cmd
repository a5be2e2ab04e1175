gradcli eval staged.grad
