word = "shared"
