def handler(event, context):
    from shared import word

    print(word, event)
